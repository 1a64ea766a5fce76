/* A plain C walk over the RAM item headers of a stream, on mmap: what an index can cost at least.

usage: hdrwalk FILE OFFSET REPEATS
OFFSET is that of the first PART or END record. Prints one line for each repeat: seconds, pages, zero pages. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

static uint64_t be64(const uint8_t *p)
{
    uint64_t value;
    memcpy(&value, p, sizeof value);
    return __builtin_bswap64(value);
}

/* RAM items up to and with the end mark. */
static const uint8_t *walk_ram(const uint8_t *p, uint64_t *pages, uint64_t *zeros, uint64_t *sum)
{
    for (;;) {
        uint64_t item = be64(p);
        unsigned flags = item & 0xfff;
        p += 8;
        if (flags & 0x10)
            return p;
        if (flags == 0x200)
            continue;
        if (!(flags & 0x20))
            p += 1 + p[0];
        *sum += item;
        if (flags & 0x02) {
            p += 1;
            ++*zeros;
        } else if (flags & 0x08) {
            p += 4096;
            ++*pages;
        } else {
            fprintf(stderr, "flags %#x\n", flags);
            exit(1);
        }
    }
}

static const uint8_t *walk_attributes(const uint8_t *p)
{
    for (;;) {
        unsigned flags = be64(p) & 0xfff;
        p += 8;
        if (flags == 1)
            return p;
        if (flags == 2)
            p += 8 + be64(p);
    }
}

int main(int argc, char **argv)
{
    int fd = open(argv[1], O_RDONLY);
    struct stat st;
    if (argc != 4 || fd < 0 || fstat(fd, &st))
        return 2;
    for (int turn = atoi(argv[3]); turn > 0; turn--) {
        const uint8_t *data = mmap(NULL, st.st_size, PROT_READ, MAP_SHARED, fd, 0);
        const uint8_t *p = data + atoll(argv[2]);
        uint64_t pages = 0, zeros = 0, sum = 0;
        uint32_t ram = p[0] == 8 ? 0 : be64(p + 1) >> 32;
        struct timespec a, b;
        clock_gettime(CLOCK_MONOTONIC, &a);
        while (p[0] == 2 || p[0] == 3 || p[0] == 8) {
            if (p[0] == 8) {
                p += 5 + (p[3] << 8 | p[4]);
                continue;
            }
            uint32_t id = be64(p + 1) >> 32;
            ram = ram ? ram : id;
            p = id == ram ? walk_ram(p + 5, &pages, &zeros, &sum) : walk_attributes(p + 5);
            if (p[0] == 0x7e)
                p += 5;
        }
        clock_gettime(CLOCK_MONOTONIC, &b);
        printf("%.6f %llu %llu %llu\n", b.tv_sec - a.tv_sec + (b.tv_nsec - a.tv_nsec) / 1e9,
               (unsigned long long)pages, (unsigned long long)zeros, (unsigned long long)sum);
        munmap((void *)data, st.st_size);
    }
    return 0;
}

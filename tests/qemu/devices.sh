# What the second guest does with devices other than disk and network; `init.sh` reads this file.
# Words in `lab_dev`, separated by commas, are done once the drivers are up (see `prepare`); in each
# round `devices` uses what is there, and `TICK` lines say how it went: "rng ok scsi ok".
vports() { ls /dev/vport* 2>/dev/null; }
prepare() {
  case $1 in
    # hold every port open that nobody holds yet, and read nothing
    open) for port in $(vports); do sleep 100000 3<>"$port" & done; sleep 1 ;;
    # write more than anybody at the other end takes
    flood) for port in $(vports); do yes "flood of $port" 2>/dev/null > "$port" & done; sleep 1 ;;
    hello) for port in $(vports); do echo "hello from $port" > "$port" & done; sleep 1 ;;
    9p) mkdir -p /shared; mount -t 9p -o trans=virtio,version=9p2000.L shared /shared && ls /shared ;;
    virtiofs) mkdir -p /shared; mount -t virtiofs shared /shared ;;
    console) yes "flood of the console" > /dev/hvc0 & sleep 1 ;;
    pmem) yes pmem | dd of=/dev/pmem0 bs=1M count=4 conv=fsync 2>/dev/null ;;
    # colours on the frame buffer
    paint) seq 1 200000 | dd of=/dev/fb0 bs=4096 2>/dev/null; cat /sys/class/graphics/fb0/virtual_size ;;
    # a picture and a moving pointer on each display
    modetest) set -- $(modetest -M virtio_gpu -c | grep -w connected | cut -f1)
      shows=; for connector; do shows="$shows -s $connector:640x480"; done
      sleep 100000 | modetest -M virtio_gpu $shows -C & sleep 3 ;;
    meminfo) grep MemTotal /proc/meminfo ;;
    idle) ;;
  esac
}
rng() {
  grep -q virtio /sys/class/misc/hw_random/rng_current 2>/dev/null || return
  echo " rng $(dd if=/dev/hwrng of=/dev/null bs=64 count=1 2>/dev/null && echo ok || echo BAD)"
}
scsi() {
  [ -b /dev/sda ] || return
  yes "scsi $1" | block iflag=fullblock of=/scsi
  block if=/scsi of=/dev/sda seek=$((16 + $1 % 64)) oflag=direct conv=notrunc || { echo " scsi BAD"; return; }
  [ "$(block if=/dev/sda skip=$((16 + $1 % 64)) iflag=direct | sum)" = "$(sum < /scsi)" ] \
    && echo " scsi ok" || echo " scsi BAD"
  # keeps a slow disk busy until the burst comes
  dd if=/dev/sda of=/dev/null bs=1M count=1 iflag=direct 2>/dev/null
}
devices() { echo "$(rng)$(scsi "$1")"; }

scsi_burst() {
  cpu=0
  while [ -d /sys/devices/system/cpu/cpu$cpu ]; do
    case $lab_scsi in
      read) set -- if=/dev/sda of=/dev/null skip=$((16 + cpu)) iflag=direct ;;
      write) set -- if=/dev/zero of=/dev/sda seek=$((16 + cpu)) oflag=direct conv=notrunc ;;
      flush) set -- if=/dev/zero of=/dev/sda seek=$((16 + cpu)) conv=notrunc,fsync ;;
      discard) blkdiscard -o $(((32 + 2 * cpu) << 20)) -l 1048576 /dev/sda & return ;;
    esac
    taskset -c $cpu dd "$@" bs=2M count=1 2>/dev/null &
    cpu=$((cpu + 1))
  done
}

# -- at once
for word in $(echo "$lab_dev" | tr , ' '); do prepare "$word"; echo "DONE $word"; done

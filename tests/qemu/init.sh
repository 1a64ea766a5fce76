#!/bin/sh
# The first and only program of the guests: brings up the virtio devices, then works on disk and
# network for ever and reports each round as "TICK n disk ok net ok". Words `lab_NAME=value` on
# the kernel's command line arrive here as environment variables:
#   lab_ip, lab_peer   own address and the one to ping
#   lab_do             comma-separated changes to make once the devices are up (see `change`)
#   lab_burst          "read" or "write": after the second round, keep one request per CPU going
export PATH=/bin
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
while read -r module; do insmod "/mod/$module" 2>/dev/null || echo "no module $module"; done < /mod/order
echo "INIT-UP"
ip link set lo up
ip link set eth0 up 2>/dev/null && ip addr add "${lab_ip:-10.0.2.15}/24" dev eth0

change() {
  case $1 in
    promisc) ip link set eth0 promisc on ;;
    allmulti) ifconfig eth0 allmulti ;;
    mac) ip link set eth0 address 52:54:00:aa:bb:cc ;;
    vlan) for id in 1 31 32 100 4094; do vconfig add eth0 $id; ip link set eth0.$id up; done ;;
    macs) for n in 1 2 3; do
        ip link add link eth0 name mv$n address 52:54:00:99:00:0$n type macvlan; ip link set mv$n up; done ;;
    # more unicast addresses than the 64 the device holds: its table overflows
    manymacs) for n in $(seq 10 89); do
        ip link add link eth0 name mv$n address 52:54:00:99:00:$n type macvlan; ip link set mv$n up; done ;;
    rss) ethtool -X eth0 equal 2; ethtool -K eth0 rxhash on ;;
    onequeue) ethtool -L eth0 combined 1 ;;
    offload) ethtool -K eth0 lro off; ethtool -K eth0 rx-gro-hw off ;;
    unbind) ip link set eth0 down; rmmod virtio_net; rmmod virtio_blk ;;
  esac
}
for word in $(echo "$lab_do" | tr , ' '); do change "$word"; echo "CHANGED $word"; done

# One 64 KiB block a round, in a ring of 64 blocks behind the first MiB. A pattern that holds the
# round's number is written past the cache, read back, and compared; so is the block of the round
# before, which proves that nothing got lost or written twice in between (as by a migration).
block() { dd "$@" bs=64k count=1 2>/dev/null; }
sum() { md5sum | cut -c1-32; }
disk() {
  [ -b /dev/vda ] || { echo none; return; }
  yes "round $1" | block iflag=fullblock of=/pattern
  wanted=$(sum < /pattern)
  block if=/pattern of=/dev/vda seek=$((16 + $1 % 64)) oflag=direct conv=notrunc || { echo BAD; return; }
  [ "$(block if=/dev/vda skip=$((16 + $1 % 64)) iflag=direct | sum)" = "$wanted" ] || { echo BAD; return; }
  if [ -s /before ]; then
    [ "$(block if=/dev/vda skip=$((16 + ($1 - 1) % 64)) iflag=direct | sum)" = "$(cat /before)" ] || { echo BAD; return; }
  fi
  echo "$wanted" > /before
  dd if=/dev/vda of=/dev/null bs=1M count=1 iflag=direct 2>/dev/null && echo ok || echo BAD
}
net() {
  [ -d /sys/class/net/eth0 ] || { echo none; return; }
  ping -c1 -W2 "${lab_peer:-10.0.2.2}" >/dev/null 2>&1 && echo ok || echo BAD
}
# Each CPU works on 2 MiB of its own behind the first 32, so that each of several queues gets requests.
burst() {
  cpu=0
  while [ -d /sys/devices/system/cpu/cpu$cpu ]; do
    case $lab_burst in
      read) set -- if=/dev/vda of=/dev/null skip=$((16 + cpu)) iflag=direct ;;
      write) set -- if=/dev/zero of=/dev/vda seek=$((16 + cpu)) oflag=direct conv=notrunc ;;
    esac
    taskset -c $cpu dd "$@" bs=2M count=1 2>/dev/null &
    cpu=$((cpu + 1))
  done
}

devices() { :; }
[ -f /devices.sh ] && . /devices.sh
round=0
while :; do
  round=$((round + 1))
  echo "TICK $round disk $(disk $round) net $(net)$(devices $round)"
  [ "$round" -ge 2 ] && [ -n "$lab_burst" ] && burst
  [ "$round" -ge 2 ] && [ -n "$lab_scsi" ] && scsi_burst
  sleep 0.5
done

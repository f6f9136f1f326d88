#!/bin/bash
# Init of the user-mode Linux that `run shares` boots: a kernel of its own, whose SMB and NFS clients the host need not have.
# Its root is the host's, read-only; what is written goes to memory, and the results to the host's folder $beds_out.
set -u
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
mount -t proc proc /proc
for word in $(cat /proc/cmdline); do
    case $word in beds_*) export "${word?}" ;; esac
done
mount -t sysfs sys /sys
for folder in /tmp /run /mnt /srv /var/lib /var/log /var/cache /root; do mount -t tmpfs tmp $folder; done
mount -t devtmpfs dev /dev 2>/dev/null
mkdir -p /tmp/out /tmp/modules/lib /var/lib/nfs /var/lib/samba/private /var/cache/samba /var/log/samba /run/samba
mount -t hostfs none /tmp/out -o "$beds_out"
exec >/tmp/out/log 2>&1 </dev/null
ln -s /usr/lib/uml/modules /tmp/modules/lib/modules
printf '#!/bin/sh\nexec /sbin/modprobe -d /tmp/modules "$@"\n' >/tmp/modprobe
chmod +x /tmp/modprobe
echo /tmp/modprobe >/proc/sys/kernel/modprobe
ip link set lo up
hostname bed

# The datastores, with the inodes and locks that they have here, and a disk that takes less than its length.
"$beds_generator" /srv
chmod -R a+rX /srv

cat >/tmp/smb.conf <<'CONF'
[global]
  interfaces = lo
  bind interfaces only = yes
  server min protocol = SMB3_11
  map to guest = bad user
  guest account = root
  load printers = no
  disable netbios = yes
  log file = /tmp/out/smbd.log
[vms]
  path = /srv/vmware
  guest ok = yes
  read only = yes
  force user = root
CONF
smbd --daemon --configfile=/tmp/smb.conf

cat >/tmp/ganesha.conf <<'CONF'
NFS_CORE_PARAM { Protocols = 3, 4; Enable_NLM = false; Enable_RQUOTA = false; mount_path_pseudo = true; }
NFSv4 { Minor_Versions = 1; Graceless = true; RecoveryBackend = fs; }
EXPORT { Export_Id = 1; Path = /srv/vmware; Pseudo = /vms; Access_Type = RO; Squash = None; SecType = sys; FSAL { Name = VFS; } }
CONF
rpcbind
ganesha.nfsd -f /tmp/ganesha.conf -L /tmp/out/ganesha.log -p /run/ganesha.pid

# try COMMAND…: until it works, while the servers start.
try() {
    for _ in $(seq 40); do
        "$@" && return
        sleep 0.5
    done
    echo "gave up: $*"
}

digest() {
    (cd /srv/vmware && find . -printf '%P %y %s %T@ %l\n' | LC_ALL=C sort && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum) | sha256sum
}

# scan NAME FOLDER: the report goes to NAME.json, the status to NAME.status.
scan() {
    (
        cd "$2" || exit
        "$beds_derelict" scan nfs01=nfs01 vmfs01,/vmfs/volumes/6532a1f0-4c19d7b2-77aa-001b21aa0001=vmfs01 vmfs02=vmfs02 \
            -i /srv/vmware/inventory-govc --as-of 2026-11-02 --io-timeout 20 -f json >"/tmp/out/$1.json" 2>"/tmp/out/$1.err"
        echo $? >"/tmp/out/$1.status"
    )
    grep " /mnt/$1 " /proc/mounts >"/tmp/out/$1.mount"
}

mkdir /mnt/cifs /mnt/nfs3 /mnt/nfs41
digest >/tmp/out/digest.before
scan local /srv/vmware
try mount -t cifs //127.0.0.1/vms /mnt/cifs -o ro,vers=3.1.1,serverino,nobrl,guest,iocharset=utf8
scan cifs /mnt/cifs
try mount -t nfs 127.0.0.1:/vms /mnt/nfs3 -o ro,vers=3,nolock,noatime,soft,timeo=600,proto=tcp
scan nfs3 /mnt/nfs3
try mount -t nfs 127.0.0.1:/vms /mnt/nfs41 -o ro,vers=4.1,noatime,soft,timeo=600
scan nfs41 /mnt/nfs41
digest >/tmp/out/digest.after

# A server that stops in the middle: the scan has to end by its own deadline.
pkill -STOP smbd
"$beds_derelict" scan ds1=/mnt/cifs ds2=/srv/vmware/nfs01 --io-timeout 2 -f json >/tmp/out/stalled.json 2>/tmp/out/stalled.err &
scan=$!
for _ in $(seq 60); do
    # What is left of the process may hang in the kernel: its first thread is what ends it for whoever waits.
    case $(cut -d' ' -f3 "/proc/$scan/stat" 2>/dev/null) in Z | X | '') break ;; esac
    sleep 0.5
done
echo "$(cut -d' ' -f3 "/proc/$scan/stat" 2>/dev/null)" >/tmp/out/stalled.state
pkill -CONT smbd
wait $scan
echo $? >/tmp/out/stalled.status
sync
echo o >/proc/sysrq-trigger
sleep 5

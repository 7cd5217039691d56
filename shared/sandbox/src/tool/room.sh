size=$1
linked=$2
shift 2

# The mount hides the machine's folder in this namespace only.
root=/tmp
mount -t tmpfs -o size=1m,nr_inodes=100,mode=755,nosuid,nodev room "$root"
cd "$root"
mkdir usr proc dev tmp old

mount --rbind /usr usr
mount -o remount,bind,ro,nosuid,nodev usr
for name in $linked; do
    if [ -L "/$name" ]; then
        ln -s "$(readlink "/$name")" "$name"
    elif [ -d "/$name" ]; then
        mkdir "$name"
        mount --rbind "/$name" "$name"
        mount -o remount,bind,ro,nosuid,nodev "$name"
    fi
done
for device in null zero full random urandom; do
    : >"dev/$device"
    mount --bind "/dev/$device" "dev/$device"
done
mount -t proc -o nosuid,nodev,noexec proc proc
mount -t tmpfs -o "size=$size,nr_inodes=4096,mode=700,nosuid,nodev" folder tmp

pivot_root . old
umount -l /old
mount -o remount,bind,ro,nosuid,nodev /
cd /tmp
exec setpriv --no-new-privs --bounding-set=-all --inh-caps=-all -- "$@"

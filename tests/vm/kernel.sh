#!/usr/bin/env bash
# kernel.sh SERIES (6.1, 6.12): the newest kernel of that series that apt knows -> build/vm/SERIES/{vmlinux,initrd,lib/modules,release},
# made once. Prints the folder; where it cannot, one line why, and fails. Needs no root.
set -euo pipefail
series=${1:?kernel.sh SERIES}
here=$(dirname "$(readlink -f "$0")")
cache=$(readlink -f "$here/../..")/build/vm
mkdir -p "$cache"
exec 9>"$cache/.lock" && flock 9   # two suites at once make it once
[ ! -f "$cache/$series/release" ] || { echo "$cache/$series"; exit 0; }

because() { echo "kernel.sh: $*" >&2; exit 1; }
for command in busybox cpio depmod modprobe python3 xz zstd; do
  PATH=$PATH:/usr/sbin:/sbin command -v $command >/dev/null || because "$command is not installed (tests/vm/packages.txt)"
done
PATH=$PATH:/usr/sbin:/sbin
temporary=$(mktemp -d "$cache/.$series.XXXXXX")
trap 'rm -rf "$temporary"' EXIT

# linux-image-6.1.0-56-amd64, linux-image-6.12.117+deb12-amd64; not -cloud (no 9p) or -rt.
newest_package() {
  apt-cache --names-only search "^linux-image-${series//./\\.}\.[0-9.+a-z]*-([0-9]+-)?amd64\$" | awk '{print $1}' | sort -V | tail -n 1
}
package=$(newest_package)
[ -n "$package" ] || { apt-get update -qq >/dev/null 2>&1 || true; package=$(newest_package); }
[ -n "$package" ] || because "the configured apt sources have no linux-image-$series.*-amd64"
(cd "$temporary" && apt-get -qq -o APT::Sandbox::User=root -o Acquire::Retries=3 download "$package" >apt.log 2>&1) ||
  because "cannot download $package: $(tail -n 1 "$temporary/apt.log")"

# A machine without hardware needs no drivers for any.
mkdir "$temporary/unpacked"
dpkg-deb --fsys-tarfile "$temporary/$package"*.deb | tar -x -C "$temporary/unpacked" --wildcards \
  --exclude='*/kernel/sound' --exclude='*/kernel/drivers/net/ethernet' --exclude='*/kernel/drivers/net/wireless' \
  './boot/vmlinuz-*' '*/modules.*' '*/kernel/arch' '*/kernel/crypto' '*/kernel/drivers/block' '*/kernel/drivers/char' \
  '*/kernel/drivers/net' '*/kernel/drivers/virtio' '*/kernel/fs' '*/kernel/lib' '*/kernel/net'
base=$temporary/unpacked
[ -d "$base/lib/modules" ] || base=$base/usr
release=$(basename "$base"/lib/modules/*)
depmod -b "$base" "$release"

mkdir "$temporary/made"
python3 "$here/vmlinux.py" "$temporary/unpacked/boot/vmlinuz-$release" "$temporary/made/vmlinux" || because "$package: no vmlinux in its bzImage"

# The initramfs but for guest/init, which vm.sh adds: busybox, and the modules that lead to the root file system, in order of
# insertion.
root=$temporary/initramfs
mkdir -p "$root"/{bin,modules,dev,proc,sys,lower,changes,root}
cp "$(command -v busybox)" "$root/bin/busybox"
place=10
for module in virtio_pci virtio_mmio virtio_console 9pnet_virtio 9p overlay; do
  modprobe -d "$base" -S "$release" --show-depends "$module" 2>/dev/null
done | awk '$1 == "insmod" && !seen[$2]++ {print $2}' | while read -r file; do
  target=$root/modules/$place-$(basename "$file" | sed 's/\.ko.*/.ko/')
  case $file in *.xz) xz -dc "$file" ;; *.zst) zstd -dqc "$file" ;; *) cat "$file" ;; esac >"$target"
  place=$((place + 1))
done
(cd "$root" && find . -print0 | sort -z | cpio --null -o -H newc -R 0:0 --quiet) >"$temporary/made/initrd"
mv "$base/lib" "$temporary/made/lib"
echo "$release" >"$temporary/made/release"
rm -rf "${cache:?}/$series"
mv "$temporary/made" "$cache/$series"
echo "$cache/$series"

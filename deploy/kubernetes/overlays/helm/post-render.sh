#!/bin/sh
# Helm's post-renderer: reads what the chart rendered from standard input, prints it with the sidecar added. BUGSINK_HEALTH_IMAGE
# names the sidecar's image.
set -eu

kubernetes=$(cd "$(dirname "$0")" && cd "$(pwd -P)/../.." && pwd) # Helm 4 calls it through a symbolic link
work=$(mktemp -d) # private to this user: what is rendered may hold secrets
trap 'rm -rf "$work"' EXIT

mkdir "$work/overlays"
cp -r "$kubernetes/components" "$work"
cp -r "$kubernetes/overlays/helm" "$work/overlays"
cat >"$work/overlays/helm/chart/rendered.yaml"

image=${BUGSINK_HEALTH_IMAGE:-}
if [ -n "$image" ]; then
    ours=$(sed -n 's/^ *image: \(.*\):[^:]*$/\1/p' "$work/components/sidecar/make/sidecar.yaml")
    last=${image##*/}
    case $last in
    *@*) version="newName: ${image%@*}, digest: '${last#*@}'" ;;
    *:*) version="newName: ${image%:*}, newTag: '${last#*:}'" ;;
    *) version="newName: $image" ;;
    esac
    printf 'images:\n- {name: %s, %s}\n' "$ours" "$version" >>"$work/overlays/helm/kustomization.yaml"
fi
kubectl kustomize "$work/overlays/helm"

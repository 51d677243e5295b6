#!/bin/sh
# Helm's post-renderer: reads what the chart rendered from standard input, prints it with the sidecar added.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d) # private to this user: what is rendered may hold secrets
trap 'rm -rf "$work"' EXIT

cat >"$work/rendered.yaml"
cp "$here/kustomization.yaml" "$here/deployment.yaml" "$work"
kubectl kustomize "$work"

#!/usr/bin/env python3
"""Packs root file systems into an OCI image with an index: oci.py DOCKERFILE VERSION REVISION OUTPUT ARCH=ROOT...

OUTPUT is a tar file with an OCI image layout, which skopeo, podman and `docker load` read. What the image says of itself (user,
command, labels, health check) is read from DOCKERFILE, so that both ways to build it agree. The same input gives the same bytes:
SOURCE_DATE_EPOCH is the time of everything.
"""
import gzip
import hashlib
import io
import json
import os
import re
import shlex
import sys
import tarfile
from datetime import datetime, timezone

EPOCH = int(os.environ["SOURCE_DATE_EPOCH"])
CREATED = datetime.fromtimestamp(EPOCH, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
TYPES = "application/vnd.oci.image."


def instructions(dockerfile):
    """The instructions of the last stage, and the arguments that have a default."""
    text = re.sub(r"\\\n", " ", open(dockerfile, encoding="utf-8").read())
    lines = [line.split(None, 1) for line in text.splitlines() if line.strip() and not line.startswith("#")]
    arguments = dict(rest.split("=", 1) for word, rest in lines if word == "ARG" and "=" in rest)
    last = max(i for i, line in enumerate(lines) if line[0] == "FROM")
    return lines[last + 1:], arguments


def expand(text, arguments):
    return re.sub(r"\$\{(\w+)\}", lambda match: arguments[match[1]], text)


def nanoseconds(text):
    return int(text.rstrip("s")) * 1_000_000_000


def health_check(text):
    """The check as Docker keeps it in the configuration; the OCI's own specification has none."""
    flags = dict(re.findall(r"--([a-z-]+)=(\S+)", text))
    return {"Test": ["CMD"] + json.loads(text[text.index("["):]), "Interval": nanoseconds(flags["interval"]),
            "Timeout": nanoseconds(flags["timeout"]), "StartPeriod": nanoseconds(flags["start-period"]),
            "Retries": int(flags["retries"])}


def configuration(dockerfile, version, revision):
    lines, arguments = instructions(dockerfile)
    arguments.update(BH_VERSION=version, BH_REVISION=revision)
    config = {"Labels": {}, "Env": []}
    for word, rest in lines:
        if word == "LABEL":
            config["Labels"].update(pair.split("=", 1) for pair in shlex.split(expand(rest, arguments)))
        elif word == "ENV":
            config["Env"] += shlex.split(rest)
        elif word == "USER":
            config["User"] = rest
        elif word == "EXPOSE":
            config["ExposedPorts"] = {f"{rest}/tcp": {}}
        elif word == "STOPSIGNAL":
            config["StopSignal"] = rest
        elif word == "HEALTHCHECK":
            config["Healthcheck"] = health_check(rest)
        elif word in ("ENTRYPOINT", "CMD"):
            config[word.capitalize()] = json.loads(rest)
        elif word not in ("ARG", "COPY"):
            sys.exit(f"oci.py: {word} of {dockerfile} is not known here")
    return config


def tar_info(archive, path, name):
    info = archive.gettarinfo(path, name)
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    info.mtime = EPOCH
    return info


def layer_of(root):
    """The root file system as a tar file, in the order of its names."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for directory, directories, files in os.walk(root):
            directories.sort()
            links = [name for name in directories if os.path.islink(os.path.join(directory, name))]
            if directory != root:
                archive.addfile(tar_info(archive, directory, os.path.relpath(directory, root)))
            for name in sorted(files + links):
                path = os.path.join(directory, name)
                info = tar_info(archive, path, os.path.relpath(path, root))
                if info.isreg():
                    with open(path, "rb") as data:
                        archive.addfile(info, data)
                else:
                    archive.addfile(info)
    return buffer.getvalue()


class Layout:
    """The files of an image layout, by their names."""

    def __init__(self):
        self.files = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}'}

    def add(self, media_type, data):
        if not isinstance(data, bytes):
            data = json.dumps(data, sort_keys=True, separators=(",", ":")).encode()
        digest = hashlib.sha256(data).hexdigest()
        self.files[f"blobs/sha256/{digest}"] = data
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(data)}

    def add_image(self, architecture, root, config):
        layer = layer_of(root)
        descriptor = self.add(TYPES + "layer.v1.tar+gzip", gzip.compress(layer, 9, mtime=0))
        image = {"created": CREATED, "architecture": architecture, "os": "linux", "config": config,
                 "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer).hexdigest()]},
                 "history": [{"created": CREATED, "created_by": "scripts/oci.py"}]}
        if architecture == "arm64":
            image["variant"] = "v8"
        manifest = {"schemaVersion": 2, "mediaType": TYPES + "manifest.v1+json",
                    "config": self.add(TYPES + "config.v1+json", image), "layers": [descriptor]}
        platform = {key: image[key] for key in ("architecture", "os", "variant") if key in image}
        return dict(self.add(manifest["mediaType"], manifest), platform=platform)

    def write(self, output):
        with tarfile.open(output, "w", format=tarfile.USTAR_FORMAT) as archive:
            for name in sorted(self.files):
                info = tarfile.TarInfo(name)
                info.size = len(self.files[name])
                info.mtime = EPOCH
                archive.addfile(info, io.BytesIO(self.files[name]))


def main(dockerfile, version, revision, output, *roots):
    layout = Layout()
    config = configuration(dockerfile, version, revision)
    manifests = [layout.add_image(*pair.split("=", 1), config) for pair in roots]
    index = {"schemaVersion": 2, "mediaType": TYPES + "index.v1+json", "manifests": manifests,
             "annotations": {"org.opencontainers.image.version": version, "org.opencontainers.image.revision": revision}}
    # One entry: the index of the architectures, under the version's name.
    top = dict(layout.add(index["mediaType"], index), annotations={"org.opencontainers.image.ref.name": version})
    layout.files["index.json"] = json.dumps({"schemaVersion": 2, "mediaType": index["mediaType"], "manifests": [top]},
                                            sort_keys=True, separators=(",", ":")).encode()
    layout.write(output)
    print(top["digest"])


if __name__ == "__main__":
    if len(sys.argv) < 6:
        sys.exit(__doc__)
    main(*sys.argv[1:])

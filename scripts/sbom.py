#!/usr/bin/env python3
"""Says in SPDX 2.3 what an image holds: sbom.py ROOT ARCH VERSION >FILE

The packages are those whose status lies in ROOT/var/lib/dpkg/status.d, where scripts/image-root.sh put it, and this program; the files
are all files of ROOT. The same input gives the same bytes: SOURCE_DATE_EPOCH is the time of making.
"""
import hashlib
import json
import os
import re
import sys
from datetime import datetime, timezone
from urllib.parse import quote

CREATED = datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def fields_of(path):
    """The fields of a package's status that are one line."""
    text = open(path, encoding="utf-8").read()
    return dict(re.findall(r"^([A-Z][A-Za-z-]*): (.*)$", text, re.M))


def identifier(text):
    return "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]", "-", text)


def debian_package(fields, release):
    name, version, arch = fields["Package"], fields["Version"], fields["Architecture"]
    purl = f"pkg:deb/debian/{quote(name)}@{quote(version, safe='')}?arch={arch}&distro={release}"
    return {"SPDXID": identifier(f"Package-{name}"), "name": name, "versionInfo": version,
            "supplier": f"Person: {fields['Maintainer']}", "downloadLocation": "NOASSERTION", "filesAnalyzed": False,
            "homepage": fields.get("Homepage", "NOASSERTION"),
            "sourceInfo": f"built from {fields.get('Source', name)}", "licenseConcluded": "NOASSERTION",
            "licenseDeclared": "NOASSERTION", "licenseComments": f"see /usr/share/doc/{name}/copyright in the image",
            "copyrightText": "NOASSERTION",
            "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl}]}


def own_package(version):
    return {"SPDXID": identifier("Package-bugsink-health"), "name": "bugsink-health", "versionInfo": version,
            "supplier": "NOASSERTION", "downloadLocation": "NOASSERTION", "filesAnalyzed": False, "licenseConcluded": "MIT",
            "licenseDeclared": "MIT", "copyrightText": "NOASSERTION", "primaryPackagePurpose": "APPLICATION"}


def files_of(root):
    for directory, directories, names in os.walk(root):
        directories.sort()
        for name in sorted(names):
            path = os.path.join(directory, name)
            if os.path.islink(path):
                continue
            data = open(path, "rb").read()
            relative = os.path.relpath(path, root)
            yield {"SPDXID": identifier("File-" + hashlib.sha256(relative.encode()).hexdigest()[:16]), "fileName": "./" + relative,
                   "checksums": [{"algorithm": kind, "checksumValue": hashlib.new(kind.lower(), data).hexdigest()}
                                 for kind in ("SHA1", "SHA256")],
                   "licenseConcluded": "NOASSERTION", "copyrightText": "NOASSERTION"}


def main(root, arch, version):
    status = os.path.join(root, "var/lib/dpkg/status.d")
    system = dict(line.rstrip().split("=", 1) for line in open(os.path.join(root, "etc/os-release"), encoding="utf-8") if "=" in line)
    release = f"{system['ID']}-{system['VERSION_ID']}".replace('"', "")
    packages = [own_package(version)]
    packages += [debian_package(fields_of(os.path.join(status, name)), release) for name in sorted(os.listdir(status))]
    files = sorted(files_of(root), key=lambda file: file["fileName"])
    image = {"SPDXID": "SPDXRef-Image", "name": f"bugsink-health-image-{arch}", "versionInfo": version, "supplier": "NOASSERTION",
             "downloadLocation": "NOASSERTION", "filesAnalyzed": False, "licenseConcluded": "NOASSERTION",
             "licenseDeclared": "NOASSERTION", "copyrightText": "NOASSERTION", "primaryPackagePurpose": "CONTAINER"}
    relations = [("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-Image")]
    relations += [("SPDXRef-Image", "CONTAINS", one["SPDXID"]) for one in packages + files]
    content = hashlib.sha256(json.dumps([packages, files], sort_keys=True).encode()).hexdigest()
    document = {"spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT",
                "name": f"bugsink-health-{version}-{arch}",
                "documentNamespace": f"https://bugsink-health.invalid/spdx/{version}/{arch}/{content}",
                "creationInfo": {"created": CREATED, "creators": [f"Tool: bugsink-health-sbom.py-{version}"]},
                "packages": [image] + packages, "files": files,
                "relationships": [dict(spdxElementId=a, relationshipType=kind, relatedSpdxElement=b) for a, kind, b in relations]}
    json.dump(document, sys.stdout, indent=1, sort_keys=True)
    print()


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])

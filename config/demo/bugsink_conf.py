# A stand-in for Bugsink's own settings file. The sidecar reads it as text and never executes it:
# leave a bracket open, save, and /health/ready/ turns 503 with "parse_error".
from bugsink.settings.default import *  # noqa
from bugsink.conf_utils import deduce_allowed_hosts

SECRET_KEY = "for-the-demo-only-3q8vz1m7w5kx0c2n9b4t6y8u1i3o5p7a"

SERVER_EMAIL = DEFAULT_FROM_EMAIL = "Bugsink <bugsink@example.org>"

TIME_ZONE = "UTC"

SNAPPEA = {
    "TASK_ALWAYS_EAGER": False,
    "NUM_WORKERS": 4,
}

BUGSINK = {
    "BASE_URL": "http://localhost:9000",  # no trailing slash
    "SITE_TITLE": "Bugsink",
    "SINGLE_USER": False,
    "MAX_EVENT_SIZE": 1024 * 1024,
}

ALLOWED_HOSTS = deduce_allowed_hosts(BUGSINK["BASE_URL"])

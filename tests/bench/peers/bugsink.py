"""Bugsink's stand-in, served by gunicorn as Bugsink is: its health endpoint, which asks no database, the two questions that its database
answers, and the check that one would write into the app instead of a sidecar, at /check/. A connection for each request, as in Bugsink."""
import json
import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connection, connections
from django.http import HttpResponse
from django.urls import path

# {"default": {"ENGINE": ..., "NAME": ...}, ...}
settings.configure(SECRET_KEY="for the benchmark alone", ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, DATABASES=json.loads(os.environ["BENCH_DATABASES"]),
                   USE_I18N=False, USE_TZ=True)


def health(_request):
    return HttpResponse("OK", content_type="text/plain")


def ask(sql, *arguments):
    with connection.cursor() as cursor:
        cursor.execute(sql, arguments)
        return cursor.fetchone()


def canonical(_request):
    ask("SELECT id FROM bsmain_authtoken WHERE token = %s", "0" * 40)
    return HttpResponse('{"detail":"Invalid Bearer token."}', status=401, content_type="application/json")


def envelope(request):
    ask("SELECT id FROM projects_project WHERE sentry_key = %s", request.GET.get("sentry_key", ""))
    return HttpResponse("Project not found or key incorrect", status=403, content_type="text/plain")


def check(_request):
    for one in connections.all():
        with one.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchone()
    return HttpResponse("OK\n", content_type="text/plain")


urlpatterns = [path("health/ready", health), path("api/canonical/0/projects/", canonical), path("api/0/envelope/", envelope), path("check/", check)]
application = get_wsgi_application()

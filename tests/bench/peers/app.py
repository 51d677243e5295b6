"""The peer inside of an application: a Django view that asks the database, served by gunicorn as Bugsink is."""
import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.http import HttpResponse
from django.urls import path

if os.environ.get("BENCH_POSTGRES_PORT"):
    DATABASE = {"ENGINE": "django.db.backends.postgresql", "NAME": "bugsink", "USER": "bugsink", "PASSWORD": "bench",
                "HOST": "127.0.0.1", "PORT": os.environ["BENCH_POSTGRES_PORT"]}
else:
    DATABASE = {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["BENCH_SQLITE"]}

settings.configure(SECRET_KEY="for the benchmark alone", ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, DATABASES={"default": DATABASE},
                   USE_I18N=False, USE_TZ=True)


def ready(_request):
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()
    return HttpResponse("OK\n", content_type="text/plain", headers={"Content-Length": "3"})


urlpatterns = [path("health/live/", ready)]
application = get_wsgi_application()

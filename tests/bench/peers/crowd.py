"""Takes every free connection of a PostgreSQL server, and each that becomes free, until it is ended: crowd.py DSN"""
import sys
import time

import psycopg2

held = []
while True:
    try:
        held.append(psycopg2.connect(sys.argv[1]))
        continue
    except psycopg2.OperationalError:
        pass
    print(len(held), flush=True)
    time.sleep(0.02)

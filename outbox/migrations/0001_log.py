"""The log and the relay's tables, in SQL: Django's schema editor knows neither xid8 nor partitioned tables."""

from pathlib import Path

from django.db import migrations


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.RunSQL(
            Path(__file__).with_suffix(".sql").read_text(),
            "DROP TABLE outbox_heartbeat, outbox_parked, outbox_progress, outbox_window, outbox_relay, outbox_event CASCADE;"
            "DROP SEQUENCE outbox_event_position; DROP FUNCTION outbox_event_refuse;",
        )
    ]

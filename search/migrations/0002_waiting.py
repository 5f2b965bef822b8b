"""What notes the changes of invoices, in SQL: Django knows no triggers."""

from pathlib import Path

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("search", "0001_initial")]
    operations = [
        migrations.RunSQL(Path(__file__).with_suffix(".sql").read_text(), "DROP FUNCTION search_note_change CASCADE;")
    ]

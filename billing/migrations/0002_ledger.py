"""What guards the ledger, in SQL: Django knows no triggers."""

from pathlib import Path

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_initial")]
    operations = [
        migrations.RunSQL(
            Path(__file__).with_suffix(".sql").read_text(),
            "DROP FUNCTION billing_ledger_refuse CASCADE; DROP FUNCTION billing_ledger_must_balance CASCADE;",
        )
    ]

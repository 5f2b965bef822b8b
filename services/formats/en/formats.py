"""How times are shown: sortable, with seconds, since events are many a minute."""

DATETIME_FORMAT = "Y-m-d H:i:s"

"""The control: the consumer that most teams write first, from the story that this template begins with.

It reads "invoice issued", writes a row, charges the customer, and lets Kafka's client commit offsets by itself. Nothing
is unique and no key is sent to the gateway: a rebalance or a crash between two commits charges twice.
"""

import json
import os

import psycopg
import stripe
from confluent_kafka import Consumer

KEEP = "INSERT INTO naive_charge (customer_id, billing_cycle) VALUES (%s, %s)"

#: The least that brokers allow with this group protocol: a killed copy's share is not missed for long.
SESSION_SECONDS = 6


def main() -> None:
    """Consume until killed."""
    kafka = Consumer({
        "bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"], "group.id": "naive-" + os.environ["NAIVE_TOPIC"],
        "auto.offset.reset": "earliest", "log_level": 3,
        "session.timeout.ms": SESSION_SECONDS * 1_000,
    })  # fmt: skip
    kafka.subscribe([os.environ["NAIVE_TOPIC"]])
    client = stripe.StripeClient(
        os.environ["GATEWAY_API_KEY"], base_addresses={"api": os.environ["GATEWAY_URL"]}, max_network_retries=2
    )
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as database:
        while True:
            message = kafka.poll(1.0)
            if message is not None and message.error() is None:
                charge(database, client, json.loads(message.value() or b"{}"))


def charge(database: psycopg.Connection, client: stripe.StripeClient, invoice: dict[str, str]) -> None:
    """Write the row, then take the money."""
    database.execute(KEEP, [invoice["customer_id"], invoice["billing_cycle"]])
    client.v1.payment_intents.create(
        params={
            "amount": int(invoice["amount"]), "currency": invoice["currency"].lower(), "confirm": True,
            "payment_method": "pm_card_visa", "metadata": {"customer_id": invoice["customer_id"]},
        }
    )  # fmt: skip


if __name__ == "__main__":
    main()

"""The environment that ties processes and servers together. What is set already wins."""

import secrets
from pathlib import Path
from urllib.parse import urlsplit

from stack.network import free_port


def complete(environment: dict[str, str], folder: Path) -> None:
    """Add what the processes need and the servers do not know: ports, URLs, databases, keys."""
    if not environment.get("CELERY_BROKER_URL"):
        (folder / "celery").mkdir(parents=True, exist_ok=True)
        # With a host, though there is none: without, kombu warns of it in every process.
        environment |= {"CELERY_BROKER_URL": "filesystem://localhost", "CELERY_FILESYSTEM_FOLDER": f"{folder}/celery"}
    for name in ("PAYMENTS", "BILLING", "GATEWAY"):
        environment[f"{name}_PORT"] = str(free_port(f"{name}_PORT"))
        environment[f"{name}_URL"] = f"http://127.0.0.1:{environment[f'{name}_PORT']}"
    for name in ("PAYMENTS", "BILLING", "PAYMENTS_CONSUMER", "BILLING_CONSUMER"):
        environment[f"{name}_METRICS_PORT"] = str(free_port(f"{name}_METRICS_PORT"))
    for name in ("payments", "billing"):
        environment[f"{name.upper()}_DATABASE_URL"] = with_database(environment["DATABASE_URL"], f"doorstep_{name}")
    (folder / "gateway").mkdir(parents=True, exist_ok=True)
    environment["GATEWAY_DATABASE"] = f"{folder}/gateway/gateway.sqlite3"
    environment.setdefault("GATEWAY_API_KEY", "sk_test_doorstep")
    environment.setdefault("GATEWAY_WEBHOOK_SECRET", "whsec_doorstep")
    environment.setdefault("GATEWAY_WEBHOOK_URL", f"{environment['PAYMENTS_URL']}/webhooks/gateway")
    environment.setdefault("API_TOKEN", "development-token")
    environment.setdefault("BILLING_TOKEN", environment["API_TOKEN"])
    environment.setdefault("SECRET_KEY", secret_key(folder / "secret_key"))
    environment["STATE_FOLDER"] = str(folder / "run")


def secret_key(file: Path) -> str:
    """Return the key in the file, made at the first call and readable by its owner only."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(50))
    return file.read_text()


def with_database(url: str, name: str) -> str:
    """Return the URL of another database on the same server."""
    return urlsplit(url)._replace(path=f"/{name}").geturl()

"""A real OpenSearch node for the session, an index of its own for each test."""

import logging
from collections.abc import Iterator
from uuid import uuid4

import pytest
from pytest_django.fixtures import Settings

from search.reindexing import reindex
from stack.opensearch import OpenSearchNode
from stack.preparation import ROOT
from tests.search.index import Index

#: Under pytest it has a handler, and would print every request with its body.
logging.getLogger("opensearchpy.trace").disabled = True


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenSearchNode]:
    folder = tmp_path_factory.mktemp("opensearch")
    started = OpenSearchNode(folder, folder / "run", ROOT / ".stack" / "jars")
    try:
        started.start()
        yield started
    finally:
        started.stop()


@pytest.fixture
def index(node: OpenSearchNode, transactional_db: None, settings: Settings) -> Iterator[Index]:
    """An empty index that is searched; batches are small enough that a few invoices fill several."""
    settings.SEARCH = {"URL": node.url, "INDEX": f"invoices-{uuid4().hex[:8]}", "BATCH_SIZE": 10}
    made = Index(settings.SEARCH)
    reindex()
    yield made
    if not node.answers():  # the test killed it, and failed
        node.start()
    made.remove()

"""The indexes by their aliases: `invoices` is searched and written; `invoices-filling` is a new one, written only."""

from datetime import UTC, datetime

from opensearchpy import OpenSearch

from search.conf import search_settings
from search.document import MAPPING
from search.exceptions import IndexIncompleteError
from search.node import ask

#: Spread to a second node as soon as there is one: else an index on a single node would never be green.
_SETTINGS = {"number_of_shards": 1, "auto_expand_replicas": "0-1"}


def filling() -> str:
    """Return the alias of the index that is being filled."""
    return f"{search_settings().index}-filling"


def written() -> list[str]:
    """Return the aliases that a document is put to, as they are now."""
    is_filling = ask(lambda node: node.indices.exists_alias(name=filling()))
    return [search_settings().index, *([filling()] if is_filling else [])]


def make_index() -> str:
    """Make an empty index that is filled; remove what a reindex that died left behind. Returns its name."""
    name = f"{search_settings().index}-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}"
    body = {"settings": _SETTINGS, "mappings": MAPPING, "aliases": {filling(): {}}}
    if left_over := _holders(filling()):
        ask(lambda node: node.indices.delete(index=",".join(left_over)))
    ask(lambda node: node.indices.create(index=name, body=body))
    return name


def swap(name: str, *, expected: int) -> None:
    """Make the filled index the one that is searched, and remove the one before it: one step for all who look.

    Raises IndexIncompleteError, with nothing changed, when it holds fewer documents than expected.
    """
    ask(lambda node: node.indices.refresh(index=name))
    found = ask(lambda node: node.count(index=name))["count"]
    if found < expected:
        raise IndexIncompleteError(f"{name} has {found} documents, {expected} were put there: look at it, try again")
    alias = search_settings().index
    actions = [{"add": {"index": name, "alias": alias}}, {"remove": {"index": name, "alias": filling()}}]
    actions += [{"remove_index": {"index": before}} for before in _holders(alias)]
    ask(lambda node: node.indices.update_aliases(body={"actions": actions}))


def _holders(alias: str) -> list[str]:
    def read(node: OpenSearch) -> list[str]:
        return sorted(node.indices.get_alias(name=alias)) if node.indices.exists_alias(name=alias) else []

    names: list[str] = ask(read)
    return names

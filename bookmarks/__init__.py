"""Read your writes across services: a write answers with a bookmark, and a read with it waits until it is applied.

A bookmark is a token that names the event that tells how the write ended. It holds no secret and no right.
The word is Neo4j's: https://neo4j.com/docs/operations-manual/current/clustering/introduction/#causal-consistency-explained
"""

"""Alembic's entry: runs the revisions on the connection, and in the transaction, that the journal hands over."""

from alembic import context

from payport.sdk.journal.tables import SCHEMA_TABLE, metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=SCHEMA_TABLE,
    transactional_ddl=True,
)
context.run_migrations()

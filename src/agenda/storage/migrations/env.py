"""How Alembic meets the database: on the connection, and in the transaction, that it is given."""

from alembic import context

from agenda.storage.schema import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    transactional_ddl=True,
    transaction_per_migration=False,
)
context.run_migrations()

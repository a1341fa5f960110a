"""A highly available PostgreSQL on one machine: three members, three Agenda nodes, a network to cut between them."""

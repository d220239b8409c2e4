"""The conformance table: for every way a request can travel, does its ID survive, does its trace."""

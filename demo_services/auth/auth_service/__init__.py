"""The auth service: who a customer is, proved by signed tokens."""

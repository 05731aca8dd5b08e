"""From an authentic answer to what it teaches about an operation: payments, refunds, transfers."""

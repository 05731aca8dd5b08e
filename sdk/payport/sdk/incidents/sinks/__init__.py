"""Ways to tell people: the log, a signed webhook, e-mail. Any callable that takes an alert is one more."""

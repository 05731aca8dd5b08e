"""Incidents and alerts: what is wrong, in classes with response times, written down once and told until it is over."""

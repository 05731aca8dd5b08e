"""``python -m payport.sdk.cli``: the same as the command ``payport``."""

from payport.sdk.cli import main

main()

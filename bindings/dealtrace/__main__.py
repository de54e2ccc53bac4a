"""`python -m dealtrace`."""

import sys

from dealtrace.cli import main

sys.exit(main())

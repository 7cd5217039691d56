"""Runs all tests of this folder, and prints in the last line how many passed and failed."""

import sys
import unittest
from pathlib import Path

suite = unittest.defaultTestLoader.discover(str(Path(__file__).parent))
result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(suite)
failed = len(result.failures) + len(result.errors)
passed = result.testsRun - failed
print(f"{passed} passed, {failed} failed")
sys.exit(0 if passed and not failed else 1)

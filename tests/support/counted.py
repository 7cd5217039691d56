"""Runs all tests of a folder, and prints in the last line how many passed and failed.

    python counted.py FOLDER
"""

import sys
import unittest

suite = unittest.defaultTestLoader.discover(sys.argv[1])
result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(suite)
failed = len(result.failures) + len(result.errors)
passed = result.testsRun - failed
print(f"{passed} passed, {failed} failed")
sys.exit(0 if passed and not failed else 1)

"""tests/mutants: each still fits the sources. That its test kills it is `make mutants`."""

import glob
import importlib.machinery
import importlib.util
import os
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
MUTANTS = os.path.join(TOP, "tests", "mutants")


def load():
    loader = importlib.machinery.SourceFileLoader("mutants_run", os.path.join(MUTANTS, "run"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("mutants_run", loader))
    loader.exec_module(module)
    return module


class Mutants(unittest.TestCase):
    def test_each_applies(self):
        run = load()
        paths = sorted(glob.glob(os.path.join(MUTANTS, "*.patch")))
        self.assertGreater(len(paths), 20)
        for path in paths:
            with self.subTest(os.path.basename(path)):
                for name, hunks in run.Mutant(path).files.items():
                    with open(os.path.join(TOP, name), encoding="utf-8") as src:
                        text = src.read()
                    self.assertNotEqual(run.mutated(text, hunks, name), text)


if __name__ == "__main__":
    unittest.main()

"""The words of `scripts/mmlife run`: each bad one is named, each good one reaches QEMU."""

import contextlib
import io
import os
import sys

from launch import TOP, LauncherTest

sys.path.insert(0, os.path.join(TOP, "scripts"))

from mmlife_lib import cli  # noqa: E402  (the path must be set first)

PASS = r"; print mmlife: verdict pass\n; exit 33"


class BadWords(LauncherTest):
    def refuse(self, words, *texts):
        """In this process: a start of Python for each of so many words would take long."""
        out, err = io.StringIO(), io.StringIO()
        with self.subTest(words):
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                status = cli.main(["run", *words])
            self.assertEqual(status, 2)
            self.assertEqual(out.getvalue(), "")
            self.assertEqual(err.getvalue().count("\n"), 1, err.getvalue())
            for text in texts:
                self.assertIn(text, err.getvalue())

    def test_values(self):
        for option, value, accepted in (
                ("boot", "floppy", "iso direct"), ("smp", "0", "1 to 255"),
                ("smp", "256", "1 to 255"), ("smp", "two", "1 to 255"), ("smp", "-1", "1 to 255"),
                ("smp", "1x", "1 to 255"), ("smp", "", "1 to 255"),
                ("mem", "0", "1M to 1024G"), ("mem", "12Q", "1M to 1024G"),
                ("mem", "2000G", "1M to 1024G"), ("mem", "1.5G", "1M to 1024G"),
                ("clock", "hpet", "tsc insn model"), ("accel", "xen", "tcg kvm"),
                ("machine", "microvm", "pc q35"), ("cpu", "", "QEMU CPU name"),
                ("cpu", "-x", "QEMU CPU name"), ("timeout", "soon", "seconds"),
                ("timeout", "-5", "seconds"), ("timeout", "nan", "seconds"),
                ("log", "", "file name"), ("disk", "", "file name")):
            self.refuse([f"--{option}={value}", "help"], f"--{option}: '{value}'", accepted)
            self.refuse([f"--{option}", value, "help"], f"--{option}: '{value}'", accepted)

    def test_unknown_options(self):
        self.refuse(["--smpp", "2"], "'--smpp'", "--smp", "--gdb")
        self.refuse(["help", "--fast"], "'--fast'")
        self.refuse(["-s"], "'-s'")
        self.refuse(["--smp"], "--smp needs a value")
        self.refuse(["--gdb=yes", "x"], "--gdb takes no value")

    def test_combinations(self):
        self.refuse(["--clock", "insn", "--accel", "kvm", "x"], "insn", "tcg")
        self.refuse(["--clock", "model", "--accel", "kvm", "x"], "model", "tcg")
        self.refuse(["--clock", "model", "x"], "--smp 2", "--smp 1")
        self.refuse(["--clock", "model", "--smp", "1", "--mem", "3G", "x"], "--mem 3072M", "2048M")
        self.refuse(["--clock", "insn", "--disk", "d", "x"], "--disk")

    def test_missing_files(self):
        self.expect(self.launch("run", "--clock", "model", "--smp", "1", "x"), 2,
                    "--clock model needs it: make model")
        self.expect(self.launch("run", "--disk", self.path("none"), "x"), 2, "--disk: no file")

    def test_script_too_long(self):
        self.refuse(["x" * 40000, "y" * 40000], "80001 bytes long")

    def test_subcommands(self):
        for words, text in (((), b"no subcommand"), (("fly",), b"'fly' is not a subcommand")):
            result = self.launch(*words)
            self.expect(result, 2)
            self.assertIn(text, result.stderr)
            self.assertIn(b"run report compare costs trace", result.stderr)

    def test_help(self):
        for words in (("--help",), ("help",), ("run", "--help"), ("run", "--smp", "2", "-h")):
            result = self.launch(*words)
            self.expect(result, 0)
            self.assertIn(b"--machine pc|q35", result.stdout)


class Arguments(LauncherTest):
    def arguments(self, *words):
        """QEMU's argument list for these words."""
        self.expect(self.run_fake(f"args {self.path('args')}" + PASS, *words, "help"), 0)
        return self.read("args").decode().split("\n")

    def value(self, args, name):
        self.assertEqual(args.count(name), 1, f"{name} in {args}")
        return args[args.index(name) + 1]

    def cmdline(self, *words):
        """The guest's command line for these words."""
        self.expect(self.run_fake(f"cmdline {self.path('cmdline')}" + PASS, *words), 0)
        return self.read("cmdline")

    def test_defaults(self):
        args = self.arguments()
        for flag in ("-nodefaults", "-no-reboot"):
            self.assertIn(flag, args)
        for name, value in (("-machine", "q35"), ("-accel", "tcg"), ("-cpu", "max"),
                            ("-smp", "2"), ("-m", "256M"), ("-display", "none"),
                            ("-monitor", "none")):
            self.assertEqual(self.value(args, name), value)
        self.assertIn("isa-debug-exit,iobase=0xf4", self.value(args, "-device"))
        self.assertNotIn("-icount", args)

    def test_given(self):
        args = self.arguments("--smp", "8", "--mem=4G", "--machine", "pc", "--cpu", "max,-erms")
        for name, value in (("-machine", "pc"), ("-cpu", "max,-erms"), ("-smp", "8"),
                            ("-m", "4096M")):
            self.assertEqual(self.value(args, name), value)

    def test_last_of_two_counts(self):
        self.assertEqual(self.value(self.arguments("--smp", "8", "--smp", "3"), "-smp"), "3")

    def test_instruction_clock(self):
        args = self.arguments("--clock", "insn")
        for name, value in (("-accel", "tcg,thread=single"), ("-icount", "shift=0,sleep=off"),
                            ("-seed", "1"), ("-rtc", "base=2020-01-01,clock=vm")):
            self.assertEqual(self.value(args, name), value)
        self.assertTrue(self.value(args, "-chardev").startswith("file,"))

    def test_model_clock(self):
        plugin = os.path.join(self.build, "model.so")
        with open(plugin, "wb"):
            pass
        args = self.arguments("--clock", "model", "--smp", "1", "--mem", "64M")
        self.assertEqual(self.value(args, "-plugin"),
                         plugin.replace(",", ",,") + f",ram={64 << 20}")
        self.assertEqual(self.value(args, "-icount"), "shift=0,sleep=off")

    def test_boot_ways(self):
        args = self.arguments("--boot", "direct")
        self.assertEqual(self.value(args, "-kernel"), os.path.join(self.build, "mmlife.elf32"))
        args = self.arguments("--boot", "iso")
        self.assertNotIn("-kernel", args)
        iso = os.path.join(self.build, "mmlife.iso").replace(",", ",,")
        self.assertIn(f"file={iso},", self.value(args, "-drive"))

    def test_disk(self):
        disk = self.path("disk,1")
        with open(disk, "wb"):
            pass
        args = self.arguments("--disk", disk)
        self.assertIn("file=" + disk.replace(",", ",,") + ",format=raw", self.value(args, "-drive"))
        self.assertTrue(any(a.startswith("virtio-blk-pci") for a in args))
        self.assertEqual(self.cmdline("--disk", disk, "x"),
                         b"clock=tsc accel=tcg disk=1 -- x")

    def test_gdb(self):
        result = self.run_fake(f"args {self.path('args')}" + PASS, "--gdb", "x")
        self.expect(result, 0, "target remote localhost:1234")
        self.assertIn("-S", self.read("args").decode().split("\n"))

    def test_commands_reach_the_guest(self):
        self.assertEqual(self.cmdline("help", "test a; ledger", "bench x,y pages=1"),
                         b"clock=tsc accel=tcg -- help\ntest a; ledger\nbench x,y pages=1")
        self.assertEqual(self.cmdline("--clock", "insn", "a -- b", "  c"),
                         b"clock=insn accel=tcg -- a -- b\n  c")
        self.assertEqual(self.cmdline("--", "--gdb", "-x"),
                         b"clock=tsc accel=tcg -- --gdb\n-x")
        self.assertEqual(self.cmdline(b"caf\xc3\xa9 \xff"),
                         b"clock=tsc accel=tcg -- caf\xc3\xa9 \xff")

    def test_words_from_the_environment(self):
        self.env["MMLIFE_WORDS"] = " slab=window  poison=on,2 "
        self.assertEqual(self.cmdline("a"), b"clock=tsc accel=tcg slab=window poison=on,2 -- a")
        for bad in ("slab", "--", "=x", "a= b"):
            self.env["MMLIFE_WORDS"] = bad
            self.expect(self.launch("run", "a"), 2, "accepted: name=value")

    def test_options_after_commands(self):
        self.assertEqual(self.cmdline("a", "--clock", "insn", "b"),
                         b"clock=insn accel=tcg -- a\nb")

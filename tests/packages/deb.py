"""Checks of the Debian package."""

import gzip
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import program

PAGES = "usr/share/man/man1"
COMPLETIONS = {
    "bash": "usr/share/bash-completion/completions/runmill",
    "zsh": "usr/share/zsh/vendor-completions/_runmill",
    "fish": "usr/share/fish/vendor_completions.d/runmill.fish",
}
# What scripts of packages ask for services. Here these programs only write down what they are asked.
ASKED = ["deb-systemd-helper", "deb-systemd-invoke", "systemctl"]


def checks(package: Path, work: Path) -> Iterator[Callable[[], None]]:
    root = work / "unpacked"
    installed = root / "usr/bin/runmill"

    def it_is_unpacked() -> None:
        program.run(["dpkg-deb", "--extract", package, root])

    def its_fields_are_there() -> None:
        told = program.run(["dpkg-deb", "--field", package])
        fields = dict(line.split(": ", 1) for line in told.splitlines() if ": " in line and not line.startswith(" "))
        assert fields["Package"] == "runmill" and fields["Version"].startswith(program.version()), fields
        assert "libc6" in fields["Depends"], fields
        assert fields["Description"] and fields["Maintainer"], fields

    def it_says_its_version() -> None:
        program.says_its_version(installed)

    def it_runs_the_demo() -> None:
        program.runs_the_demo(installed)

    def its_completions_are_those_of_the_program() -> None:
        for shell, path in COMPLETIONS.items():
            assert (root / path).read_text() == program.run([installed, "completions", shell]), path
        complete = "source \"$1\"; complete -p runmill"
        program.run(["bash", "-c", complete, "bash", root / COMPLETIONS["bash"]])
        for shell in ("zsh", "fish"):
            if shutil.which(shell):
                program.run([shell, "--no-execute", root / COMPLETIONS[shell]])

    def each_command_has_a_page_that_man_can_show() -> None:
        pages = work / "pages"
        program.run([installed, "man", pages])
        wanted = {page.name for page in pages.iterdir()}
        found = {page.name.removesuffix(".gz") for page in (root / PAGES).iterdir()}
        assert found == wanted and len(found) > 10, found ^ wanted
        for page in sorted((root / PAGES).iterdir()):
            assert gzip.decompress(page.read_bytes()) == (pages / page.name.removesuffix(".gz")).read_bytes()
        shown = program.run(["man", "--pager=cat", f"--manpath={root}/usr/share/man", "runmill-run"], env={"PATH": os.environ["PATH"]})
        assert "--base-url" in shown.replace("\b", ""), shown[:500]

    def its_units_are_sound() -> None:
        program.run([program.ROOT / "tests/infra/units", "--root", root])

    def its_settings_are_root_s_alone() -> None:
        mode = (root / "etc/runmill/runmill.env").stat().st_mode
        assert stat.S_IMODE(mode) == 0o600, oct(mode)

    def its_documents_lead_nowhere_else() -> None:
        documents = root / "usr/share/doc/runmill"
        for name in ("copyright", "changelog.gz", "README.md", "docs/installing.md", "docs/configuration.md", "examples/env"):
            assert (documents / name).is_file(), name
        assert "Permission is hereby granted" in (documents / "copyright").read_text()

    def its_installation_starts_nothing() -> None:
        # Where systemd does not run, scripts do not ask for it.
        script = program.run(["dpkg-deb", "--info", package, "postinst"])
        assert "daemon-reload" in script and "deb-systemd-invoke" not in script, script

    system = System(work / "system")

    def dpkg_installs_it() -> None:
        system.installs(package)

    def dpkg_upgrades_removes_and_purges_it() -> None:
        system.goes_on(package)

    yield it_is_unpacked
    yield its_fields_are_there
    yield it_says_its_version
    yield it_runs_the_demo
    yield its_completions_are_those_of_the_program
    yield each_command_has_a_page_that_man_can_show
    yield its_units_are_sound
    yield its_settings_are_root_s_alone
    yield its_documents_lead_nowhere_else
    yield its_installation_starts_nothing
    yield dpkg_installs_it
    yield dpkg_upgrades_removes_and_purges_it


class System:
    """A folder that dpkg takes for a system, without the packages that a real one has."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.settings = root / "etc/runmill/runmill.env"
        self.asked = root / "asked"
        (root / "var/lib/dpkg/info").mkdir(parents=True)
        (root / "var/lib/dpkg/updates").mkdir()
        (root / "var/lib/dpkg/status").touch()
        programs = root / "programs"
        programs.mkdir()
        for name in ASKED:
            # As on a system that has not had the package: a unit is not installed, and is to be enabled where scripts ask for that.
            (programs / name).write_text(f'#!/bin/sh\necho "{name} $*" >> "{self.asked}"\ncase "$*" in *debian-installed*) exit 1 ;; esac\n')
            (programs / name).chmod(0o755)
        self.environment = {"PATH": f"{programs}:{os.environ['PATH']}"}

    def installs(self, package: Path) -> None:
        self.dpkg("--install", package)
        assert "ok installed" in self.dpkg("--status", "runmill")
        assert not self.dpkg("--verify", "runmill")
        assert (self.root / "usr/bin/runmill").exists()

    def goes_on(self, package: Path) -> None:
        with self.settings.open("a") as file:
            file.write("APP_ENV=test\n")
        self.dpkg("--install", package)
        assert "APP_ENV=test" in self.settings.read_text(), "an upgrade has overwritten the settings"
        words = self.asked.read_text().split() if self.asked.exists() else []
        assert words and not {"enable", "start", "stop", "restart", "try-restart"} & set(words), words
        self.dpkg("--remove", "runmill")
        assert not (self.root / "usr/bin/runmill").exists() and self.settings.exists()
        self.dpkg("--purge", "runmill")
        assert not self.settings.exists()

    def dpkg(self, *arguments) -> str:
        # Its scripts run here, with the programs of above.
        forced = ["--force-script-chrootless", "--force-depends", "--force-not-root"]
        as_root = [] if os.geteuid() == 0 else ["unshare", "--map-root-user"]
        return program.run([*as_root, "dpkg", f"--root={self.root}", *forced, *arguments], env=self.environment)

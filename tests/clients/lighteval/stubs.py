"""Makes the wheel of torch, which is built for CUDA, importable on a machine without CUDA: `stubs.py ENVIRONMENT`.

For every CUDA library that torch needs and that is missing, it links a library of that name. It defines each symbol that
torch leaves undefined, with the right version, as a function that returns an error code. Without a GPU, torch calls none of
them but those that look for one.
"""

import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

CUDA_LIBRARY = re.compile(r"lib(cu|nv|nccl)")
CUDA_SYMBOL = re.compile(
    r"(cublas|cusparse|cufft|cudnn|nccl|nvrtc|cuFile|nvshmem|curand|cusolver|cuda|__cuda|cupti|cu[A-Z])"
)
C_NAME = re.compile(r"[A-Za-z_]\w*$")


def main(environment: Path) -> None:
    libraries = next(environment.glob("lib/python3*/site-packages/torch/lib"))
    needed, versions, symbols = read(libraries)
    by_version: dict[str, set[str]] = defaultdict(set)
    unversioned = set()
    for symbol in symbols:
        name, _, version = symbol.partition("@")
        version = version.lstrip("@")
        if version:
            by_version[version].add(name)
        elif CUDA_SYMBOL.match(name):
            unversioned.add(name)
    for library in sorted(name for name in needed if is_missing(libraries, name)):
        nodes = {version: by_version[version] for version in sorted(versions[library])}
        link(libraries / library, nodes, unversioned)
        # A symbol without a version is defined once, in the first library.
        unversioned = set()


def read(libraries: Path) -> tuple[set[str], dict[str, set[str]], set[str]]:
    """Returns the libraries that torch's own need, the versions that they need of each, and their undefined symbols."""
    needed, versions, symbols = set(), defaultdict(set), set()
    for library in libraries.glob("*.so*"):
        if library.name.startswith("libgomp"):
            continue
        of = None
        for line in output("objdump", "-p", library).splitlines():
            if found := re.match(r"\s+NEEDED\s+(\S+)", line):
                needed.add(found[1])
            elif found := re.match(r"\s+required from (\S+):", line):
                of = found[1]
            elif of and (found := re.match(r"\s+0x\S+ \S+ \d+ (\S+)", line)):
                versions[of].add(found[1])
        for line in output("nm", "-D", "--undefined-only", "--with-symbol-versions", library).splitlines():
            symbols.add(line.split()[-1])
    return needed, versions, symbols


def is_missing(libraries: Path, name: str) -> bool:
    installed = [libraries / name, *libraries.parent.parent.glob(f"nvidia/*/lib/{name}")]
    return CUDA_LIBRARY.match(name) is not None and not any(path.exists() for path in installed)


def link(library: Path, nodes: dict[str, set[str]], unversioned: set[str]) -> None:
    names = set().union(*nodes.values()) | unversioned
    with tempfile.TemporaryDirectory() as folder:
        source, script = Path(folder, "stub.c"), Path(folder, "versions")
        source.write_text("".join(f"int {name}(void){{return 1;}}\n" for name in sorted(names) if C_NAME.match(name)))
        script.write_text("".join(node(version, names) for version, names in nodes.items()))
        versioned = [f"-Wl,--version-script={script}"] if nodes else []
        command = ["gcc", *versioned, "-w", "-fno-builtin", "-shared", "-fPIC", f"-Wl,-soname,{library.name}"]
        subprocess.run([*command, "-o", library, source], check=True)


def node(version: str, names: set[str]) -> str:
    symbols = " ".join(f"{name};" for name in sorted(names)) or "*;"
    return f"{version} {{ global: {symbols} }};\n"


def output(*command: str | Path) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    main(Path(sys.argv[1]))

#!/usr/bin/python3
# ctest: timeout=300
"""What deploy/ holds for running servers: the unit of systemd, what the server tells a
service manager, and the images, which are built where there is a Docker."""

import os
import re
import shutil
import signal
import socket
import subprocess
import unittest
from pathlib import Path

from ff_api import ApiTest
from ff_cli import BIN, PATIENCE, SOURCE

UNITS = sorted((SOURCE / "deploy/systemd").glob("*.service"))
LIB = Path(os.environ.get("FLOWFORGE_LIB") or BIN.parent / "lib/flowforge")
DOCKERFILE = SOURCE / "deploy/docker/Dockerfile"


class Systemd(ApiTest):
    @unittest.skipUnless(shutil.which("systemd-analyze"), "there is no systemd-analyze")
    def test_the_units_are_such_that_systemd_knows_all_words_of(self) -> None:
        self.assertEqual(len(UNITS), 4)
        for unit in UNITS:
            text = re.sub(r"/usr/local/bin/[\w-]+", "/bin/true", unit.read_text())
            copy = self.folder / unit.name
            copy.write_text(text)
            done = subprocess.run(
                ["systemd-analyze", "verify", "--man=no", str(copy)],
                capture_output=True,
                text=True,
                check=False,
            )
            ours = [s for s in done.stderr.splitlines() if unit.name in s]
            self.assertEqual([], ours)
            copy.write_text(text.replace("Restart=", "Restarts="))
            done = subprocess.run(
                ["systemd-analyze", "verify", "--man=no", str(copy)],
                capture_output=True,
                text=True,
                check=False,
            )
            self.assertIn("Restarts", done.stderr)

    def test_the_units_start_programs_that_are_installed(self) -> None:
        for unit in UNITS:
            (program,) = re.findall(
                r"^ExecStart=/usr/local/bin/(\S+)", unit.read_text(), re.M
            )
            self.assertTrue(os.access(BIN / program, os.X_OK), program)

    def told(self, manager: socket.socket) -> str:
        return manager.recv(1000).decode()

    def check_manager(self, name: str) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.settimeout(PATIENCE)
            manager.bind(name.replace("@", "\0"))
            self.env["NOTIFY_SOCKET"] = name
            self.serve()
            self.assertEqual("READY=1", self.told(manager))
            self.assertEqual(200, self.ask("GET", "/readyz").status)
            self.server.popen.send_signal(signal.SIGTERM)
            self.assertEqual("STOPPING=1", self.told(manager))
            self.assertEqual(0, self.server.end().code)

    def test_the_manager_is_told_when_it_serves_and_when_it_leaves(self) -> None:
        self.check_manager(str(self.folder / "notify"))

    def test_the_socket_may_be_a_name_that_is_no_file(self) -> None:
        self.check_manager(f"@{self.folder.name}")


class Docker(unittest.TestCase):
    def packages(self) -> set[str]:
        found = re.search(r"recommends install (.*?)&&", DOCKERFILE.read_text(), re.S)
        assert found
        return set(found[1].replace("\\", " ").split())

    def needed(self, file: Path) -> set[str]:
        said = subprocess.run(
            ["readelf", "-d", str(file)], capture_output=True, text=True, check=True
        ).stdout
        return set(re.findall(r"NEEDED.*\[(.*)\]", said))

    def test_the_image_has_every_library_that_programs_and_drivers_need(self) -> None:
        files = [*LIB.glob("*.so"), LIB / "flowforge-supervisor"]
        files += sorted(BIN.glob("flowforge*"))
        names = set().union(*(self.needed(f) for f in files))
        names -= {n for n in names if re.match(r"lib(asan|ubsan|tsan)\.", n)}
        self.assertIn("libpq.so.5", names)
        packages = self.packages() | {"libc6", "libgcc-s1"}  # of every image
        for name in sorted(names):
            owners = subprocess.run(
                ["dpkg-query", "-S", name], capture_output=True, text=True, check=False
            ).stdout
            of = {line.split(":")[0] for line in owners.splitlines()}
            self.assertTrue(of & packages, f"{name} is of {of}")

    def targets(self) -> dict[str, str]:
        """The program that each image begins with, by its target."""
        text = DOCKERFILE.read_text()
        parts = re.findall(r"^FROM base AS (\S+)\n(.*?)(?=^FROM|\Z)", text, re.M | re.S)
        return {
            name: re.findall(r'^ENTRYPOINT \[.*?"(flowforge[\w-]*)"', part, re.M)[0]
            for name, part in parts
        }

    def test_each_service_has_an_image_that_begins_with_its_program(self) -> None:
        targets = self.targets()
        services = {"server", "api-server", "controller", "executor"}
        self.assertEqual(set(targets), {"flowforge"} | services)
        for name in services - {"server"}:
            self.assertEqual(targets[name], f"flowforge-{name}")
        for program in targets.values():
            self.assertTrue(os.access(BIN / program, os.X_OK), program)

    def test_the_images_are_built_and_tell_their_version(self) -> None:
        base = re.findall(r"^FROM (\S+:\S+)", DOCKERFILE.read_text(), re.M)[0]
        if (
            not shutil.which("docker")
            or subprocess.run(
                ["docker", "pull", "-q", base], capture_output=True, check=False
            ).returncode
        ):
            self.skipTest(f"there is no Docker that has {base}")
        for target in self.targets():
            subprocess.run(
                ["docker", "build", "-q", "-f", str(DOCKERFILE), "--target", target]
                + ["-t", f"flowforge-test-{target}", str(SOURCE)],
                check=True,
            )
        said = subprocess.run(
            ["docker", "run", "--rm", "flowforge-test-flowforge", "--version"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        self.assertIn("flowforge", said)


if __name__ == "__main__":
    unittest.main()

"""A storm of pods through the real fairlead-cni and a real agent, which is killed again and again.

  storm.py PLUGIN AGENT_CONFIG AGENT NODE PREFIX WORK

The namespaces PREFIX-0, … are there. Each round connects a pod in every one of them, 50 at a time; what is refused is tried
again, as a runtime would. While pods are connected no address may be two pods'. Then most get their DEL, some never do: their
namespace goes. After each second round there was a reboot: another boot in the book, and all links gone. Prints what was done.
"""
import concurrent.futures
import contextlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time

# Of everything that is left to chance; the kernel's own timing is not.
SEED = int(os.environ.get("FAIRLEAD_SEED") or random.randrange(2**32))
NAMESPACES = 200
ROUNDS = 5
AT_ONCE = 50


class Agent:
    """The process, ended by SIGKILL at random moments; the next one starts at once."""

    def __init__(self, command, log, answers):
        self.command, self.log, self.kills = command, open(log, "ab"), 0
        self.chance = random.Random(SEED)  # its thread's alone
        self.process, self.storm, self.thread = None, threading.Event(), None
        self.failure = None
        self.ask, self.answers = answers, threading.Event()

    def start(self):
        self.process = subprocess.Popen(self.command, stdout=self.log, stderr=self.log)

    def kill(self):
        self.answers.clear()
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def begin_storm(self):
        self.storm.clear()
        self.thread = threading.Thread(target=self._kill_and_start)
        self.thread.start()

    def _kill_and_start(self):
        try:
            self._kill_again_and_again()
        except RuntimeError as failure:
            self.failure = failure
            self.answers.set()  # nobody need wait any longer

    def _kill_again_and_again(self):
        while not self.storm.is_set():
            # One of four does not live to its first answer; the others get on for a while.
            if self.chance.random() > 0.25:
                self.wait_for_answer()
            if not self.storm.wait(self.chance.uniform(0, 0.8)):
                self.kill()
                self.kills += 1
                self.start()
        self.wait_for_answer()

    def wait_for_answer(self):
        deadline = time.monotonic() + 60
        while not self.ask():
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise RuntimeError("the agent does not answer")
        self.answers.set()

    def end_storm(self):
        self.storm.set()
        self.thread.join()
        if self.failure:
            raise self.failure


class Storm:
    def __init__(self, plugin, config, agent, node, prefix, work):
        self.plugin, self.node, self.prefix, self.work = plugin, node, prefix, work
        enter = ["nsenter", "--net=/run/netns/" + node, "--"]
        self.enter = enter
        self.agent = Agent(enter + [agent, "agent", "--config", config], work + "/agent.log", self.agent_answers)
        self.config = json.dumps({"cniVersion": "1.0.0", "name": "storm", "type": "fairlead-cni",
                                  "runtimeDirectory": work + "/run", "stateDirectory": work + "/state"})
        self.serial = self.refused = self.rebooted = self.silent = 0
        self.lock = threading.Lock()
        self.chance = random.Random(SEED + 1)

    def call(self, command, container, netns, config=None):
        environment = {"CNI_COMMAND": command, "CNI_CONTAINERID": container, "CNI_IFNAME": "eth0",
                       "CNI_NETNS": netns, "CNI_PATH": "/usr/lib/cni", "PATH": os.environ["PATH"]}
        done = subprocess.run(self.enter + [self.plugin], input=(config or self.config).encode(), env=environment,
                              stdout=subprocess.PIPE, check=False)
        return done.returncode, done.stdout.decode()

    def agent_answers(self):
        return self.call("STATUS", "", "", self.config.replace("1.0.0", "1.1.0"))[0] == 0

    def connect(self, i):
        """A runtime tries again with another container; the failed one gets its DEL, or, of a bad runtime, none."""
        netns = f"/run/netns/{self.prefix}-{i}"
        deadline = time.monotonic() + 60
        while True:
            with self.lock:
                self.serial += 1
                container = f"pod-{self.serial}"
            status, output = self.call("ADD", container, netns)
            if status == 0:
                ips = [ip["address"].split("/")[0] for ip in json.loads(output)["ips"]]
                return container, netns, ips
            with self.lock:
                self.refused += 1
            if time.monotonic() > deadline:
                raise RuntimeError(f"{netns} was never connected: {output}")
            self.disconnect((container, netns, []))
            self.agent.answers.wait(60)
            if self.agent.failure:
                raise self.agent.failure

    def disconnect(self, pod):
        status, output = self.call("DEL", pod[0], pod[1])
        if status != 0:
            raise RuntimeError(f"DEL of {pod[0]} failed: {output}")

    def remake(self, numbers):
        lines = [f"netns {verb} {self.prefix}-{i}" for verb in ("delete", "add") for i in numbers]
        subprocess.run(["ip", "-batch", "-"], input="\n".join(lines).encode(), check=True)

    def links(self):
        output = subprocess.run(["ip", "-n", self.node, "-o", "link"], stdout=subprocess.PIPE, check=True).stdout.decode()
        return {line.split()[1].split("@")[0] for line in output.splitlines() if " fl-" in line}

    def book(self):
        """Of an agent that is not running: the file is its own alone. State and addresses by container."""
        with contextlib.closing(sqlite3.connect(self.work + "/state/pods.db")) as database:
            rows = database.execute("SELECT container, leaving, body FROM attachments").fetchall()
        return {container: (leaving, json.loads(body)) for container, leaving, body in rows}

    def check_connected(self, pods):
        given = {}
        for container, _, ips in pods:
            for ip in ips:
                if given.setdefault(ip, container) != container:
                    raise RuntimeError(f"{ip} was given to {given[ip]} and to {container}")
        routes = subprocess.run(["ip", "-n", self.node, "route", "show", "proto", "201"], stdout=subprocess.PIPE,
                                check=True).stdout.decode()
        linked = {line.split()[0] for line in routes.splitlines() if " dev fl-" in " " + line}
        for container, netns, ips in self.chance.sample(pods, 40):
            inside = subprocess.run(["ip", "-n", netns.rsplit("/", 1)[1], "-o", "address", "show", "eth0"],
                                    stdout=subprocess.PIPE, check=True).stdout.decode()
            missing = [ip for ip in ips if f" {ip}/" not in inside or (":" not in ip and ip not in linked)]
            if missing:
                raise RuntimeError(f"{container} does not have {missing}")

    def reboot(self):
        self.agent.kill()
        self.remake(range(NAMESPACES))
        deadline = time.monotonic() + 60
        while self.links() and time.monotonic() < deadline:  # they go with their namespaces
            threading.Event().wait(0.05)
        with contextlib.closing(sqlite3.connect(self.work + "/state/pods.db")) as database, database:
            database.execute("UPDATE meta SET value = 'another' WHERE name = 'boot'")
        self.rebooted += 1
        self.agent.start()

    def run_round(self, number, pool):
        self.agent.begin_storm()
        try:
            pods = list(pool.map(self.connect, range(NAMESPACES)))
        finally:
            self.agent.end_storm()
        self.check_connected(pods)
        if number % 2 == 1:
            self.reboot()
            return
        self.agent.begin_storm()
        try:
            silent = set(self.chance.sample(range(NAMESPACES), NAMESPACES // 10))
            list(pool.map(self.disconnect, [pod for i, pod in enumerate(pods) if i not in silent]))
            self.remake(silent)
            self.silent += len(silent)
        finally:
            self.agent.end_storm()

    def wait_until_empty(self):
        """The agent finishes what was begun; then neither book nor kernel has anything."""
        deadline = time.monotonic() + 60
        while True:
            self.agent.wait_for_answer()
            while self.links() and time.monotonic() < deadline:
                threading.Event().wait(0.05)
            self.agent.process.terminate()
            self.agent.process.wait()
            links, book = self.links(), self.book()
            if not links and not book:
                return
            if time.monotonic() > deadline:
                raise RuntimeError(f"left: links {sorted(links)}, book {sorted(book)}")
            self.agent.start()

    def run(self):
        self.agent.start()
        try:
            with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
                for number in range(ROUNDS):
                    self.run_round(number, pool)
            self.wait_until_empty()
        finally:
            if self.agent.process.poll() is None:
                self.agent.kill()
        print(f"{NAMESPACES * ROUNDS} pods, {self.agent.kills} kills, {self.refused} refusals, "
              f"{self.silent} without DEL, {self.rebooted} reboots")


print(f"FAIRLEAD_SEED={SEED}", flush=True)
Storm(*sys.argv[1:]).run()

"""A process that has imported everything and runs command lines in forks of itself, disturbed at a chosen step.

    python -m support.command_server

It takes one JSON object a line on stdin and answers with one. Steps are what changes the disk below the folder of the
command: a file opened for writing, a rename, a link, a removal, a folder made; and each start of a program. They are
counted, never timed, so a disturbance comes at the same place however busy the machine is.
"""

import json
import os
import resource
import signal
import sys
import threading
import traceback
from pathlib import Path

COUNTED = {"os.rename", "os.link", "os.remove", "os.mkdir", "os.rmdir", "os.truncate"}


class Steps:
    """Counts the steps of this process, and disturbs it before the one that is asked for."""

    def __init__(self, folder, at, disturb):
        self.folder, self.at, self.disturb = f"{folder}{os.sep}", at, disturb
        self.count, self.busy = 0, False
        sys.addaudithook(self.hook)

    def hook(self, event, arguments):
        if self.busy or not self.is_step(event, arguments):
            return
        self.count += 1
        if self.is_at(arguments):
            self.at, self.busy = None, True
            self.disturb()
            self.busy = False

    def is_at(self, arguments):
        """Tell whether this is the step: by its number, or by what the name of a file has in it."""
        if isinstance(self.at, str):
            return any(isinstance(name, str) and self.at in name for name in arguments)
        return self.count == self.at

    def is_step(self, event, arguments):
        if event == "subprocess.Popen":
            return True
        if event == "open":
            path, _, flags = arguments
            if not isinstance(flags, int) or not flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
                return False
        elif event in COUNTED:
            path = arguments[0]
        else:
            return False
        if not isinstance(path, str | bytes | os.PathLike):  # the number of an open file
            return False
        return f"{Path.cwd() / os.fsdecode(path)}".startswith(self.folder)


def disturbance(what, folder):
    """Return what is to happen, as a function.

    kill: now. cut: in the middle of the next write of more than a few bytes, in whatever library. stop: until SIGCONT.
    full: the disk of the folder.
    """

    def kill():
        os.kill(os.getpid(), signal.SIGKILL)

    if what == "cut":
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # Python ignores it

    def cut():
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))

    def stop():  # by a signal to this thread: another one, which takes it late, would let this one go on meanwhile
        signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)

    def full():
        if not os.path.ismount(folder):  # the next best: no file may grow
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
            return
        file = os.open(Path(folder, "ballast"), os.O_WRONLY | os.O_CREAT)
        for size in (1 << 16, 1 << 12, 1):
            try:
                while os.write(file, bytes(size)):
                    pass
            except OSError:
                continue
        os.close(file)

    return {"kill": kill, "cut": cut, "stop": stop, "full": full}[what]


class Command:
    """One command line in a fork: its process, and the other ends of its pipes."""

    def __init__(self, asked):
        out, err, steps = os.pipe(), os.pipe(), os.pipe()
        self.process = os.fork()
        if not self.process:
            run(asked, out, err, steps)
        for pair in (out, err, steps):
            os.close(pair[1])
        self.out, self.err, self.steps, self.told = out[0], err[0], steps[0], b""

    def until(self, text):
        """Read what the command says on stderr until it has said this, or ended."""
        while text.encode() not in self.told:
            some = os.read(self.err, 1 << 16)
            if not some:
                break
            self.told += some
        return self.told.decode()

    def ended(self):
        with os.fdopen(self.out, "rb") as out, os.fdopen(self.err, "rb") as err, os.fdopen(self.steps, "rb") as steps:
            said = {
                "out": out.read().decode(),
                "err": (self.told + err.read()).decode(),
                "steps": steps.read().decode(),
            }
        _, status = os.waitpid(self.process, 0)
        return {"status": os.waitstatus_to_exitcode(status), **said}


def run(asked, out, err, steps):
    """Be the command; never return."""
    status = 70
    try:
        os.dup2(out[1], 1)
        os.dup2(err[1], 2)
        os.chdir(asked["folder"])
        counted = Steps(asked["folder"], asked.get("at"), disturbance(asked.get("what", "kill"), asked["folder"]))
        exec(asked.get("first", ""), {})  # what makes a command quick enough for a test
        sys.argv = ["benchmark", *asked["arguments"]]
        from benchmark.cli import main

        main()
    except SystemExit as leaving:
        status = leaving.code or 0
        os.write(steps[1], str(counted.count).encode())
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def import_everything():
    """Import what the commands import when their time comes."""
    from importlib import import_module

    for name in (
        "benchmark.cli", "benchmark.generation", "benchmark.evaluation", "benchmark.profiles.signal",
        "benchmark.report.write", "benchmark.report.figures.write", "benchmark.report.tables.terminal",
        "vgg_monoaudio.building.scenes", "vgg_monoaudio.collecting.clips", "vgg_monoaudio.selection.funnel",
        "vgg_monoaudio.publishing.hugging_face", "vgg_monoaudio.publishing.webdataset", "baselines",
        "matplotlib.pyplot", "pyarrow.parquet", "scipy.signal", "soundfile", "torch", "torchaudio", "av", "ffmpeg",
        "safetensors.numpy", "jinja2", "rich.progress", "rich.table", "harness_models",
    ):  # fmt: skip
        import_module(name)


def serve():
    import_everything()
    commands = {}
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        if asked["do"] == "start":
            command = Command(asked)
            commands[command.process] = command
            answer = command.process
        elif asked["do"] == "until":
            answer = commands[asked["process"]].until(asked["text"])
        elif asked["do"] == "until stopped":
            os.waitid(os.P_PID, asked["process"], os.WSTOPPED | os.WEXITED | os.WNOWAIT)
            answer = None
        else:
            answer = commands.pop(asked["process"]).ended()
        print(json.dumps(answer), flush=True)
    for command in commands.values():  # a test failed half way
        os.kill(command.process, signal.SIGKILL)
        os.waitpid(command.process, 0)


if __name__ == "__main__":
    serve()

"""What PBS and Slurm say, in the shape of their real output (PBS Professional 2022, Slurm 21 and 23)."""

import json

PBS_JOBS = {
    "timestamp": 1764009000, "pbs_version": "2022.1.5", "pbs_server": "pbs-01",
    "Jobs": {
        "101.pbs-01": {
            "Job_Name": "llama-8b", "Job_Owner": "svc@login-01.site", "job_state": "R", "queue": "by-node",
            "resources_used": {"cpupercent": 12, "walltime": "01:30:00", "mem": "1kb"},
            "Resource_List": {"ncpus": 64, "nodect": 2, "select": "2:ncpus=32", "walltime": "24:00:00"},
            "exec_host": "gpu-01/0*32+gpu-02/0*32", "Variable_List": {"PBS_O_HOME": "/home/svc", "MODELS": "llama-8b,gemma"},
            "comment": "Job run at Mon Nov 24 at 17:00 on (gpu-01:ncpus=32)"},
        "102.pbs-01": {
            "Job_Name": "serve-qwen", "Job_Owner": "svc@login-01.site", "job_state": "Q",
            "Resource_List": {"nodect": 4, "walltime": "12:00:00"}, "estimated": {"start_time": 4102444800},
            "Variable_List": {"PBS_O_HOME": "/home/svc"},
            "comment": "Not Running: Insufficient amount of resource: ngpus models=qwen-72b"},
        "103.pbs-01": {
            "Job_Name": "serve-phi", "Job_Owner": "svc@login-01.site", "job_state": "H",
            "Resource_List": {"nodect": 1, "walltime": "1:00:00"}, "comment": "job held, too many failed attempts"},
        "104.pbs-01": {
            "Job_Name": "serve-old", "Job_Owner": "svc@login-01.site", "job_state": "F", "Exit_status": 271,
            "Resource_List": {"nodect": 1, "walltime": "1:00:00"}, "comment": "Job run at ... and finished"},
        "105.pbs-01": {"Job_Name": "somebody-elses", "Job_Owner": "other@login-01.site", "job_state": "R"},
    }}

PBS_JOBS_TEXT = """Job Id: 101.pbs-01
    Job_Name = llama-8b
    Job_Owner = svc@login-01.site
    resources_used.cpupercent = 12
    resources_used.walltime = 01:30:00
    job_state = R
    exec_host = gpu-01/0*32+gpu-02/0*3
\t2
    Resource_List.nodect = 2
    Resource_List.walltime = 24:00:00
    Variable_List = PBS_O_HOME=/home/svc,PBS_O_PATH=/usr/local/bin:/usr/bin:/opt/pb
\ts/bin,MODELS=llama-8b\\,gem
\tma,PBS_O_QUEUE=by-node
    comment = Job run at Mon Nov 24 at 17:00 on (gpu-01:ncpus=32)

Job Id: 102.pbs-01
    Job_Name = serve-qwen
    Job_Owner = svc@login-01.site
    job_state = Q
    Resource_List.nodect = 4
    Resource_List.walltime = 12:00:00
    Variable_List = PBS_O_HOME=/home/svc
    comment = Not Running: Insufficient amount of resource: ngpus models=qwen-7
\t2b
    estimated.start_time = Fri Jan  1 00:00:00 2100

Job Id: 103.pbs-01
    Job_Name = serve-phi
    Job_Owner = svc@login-01.site
    job_state = H
    Resource_List.nodect = 1
    Resource_List.walltime = 1:00:00
    comment = job held, too many failed attempts

Job Id: 104.pbs-01
    Job_Name = serve-old
    Job_Owner = svc@login-01.site
    job_state = F
    Exit_status = 271
    Resource_List.nodect = 1
    Resource_List.walltime = 1:00:00
    comment = Job run at ... and finished

Job Id: 105.pbs-01
    Job_Name = somebody-elses
    Job_Owner = other@login-01.site
    job_state = R
"""

PBS_NODES = {"timestamp": 1764009000, "pbs_version": "2022.1.5", "nodes": {
    "gpu-01": {"state": "job-busy", "jobs": ["101.pbs-01"]},
    "gpu-02": {"state": "free", "jobs": ["101.pbs-01"]},
    "gpu-03": {"state": "free"},
    "gpu-04": {"state": "free", "jobs": []},
    "gpu-05": {"state": "down,offline"}}}

PBS_NODES_TEXT = """gpu-01
     Mom = gpu-01.site
     state = job-busy
     jobs = 101.pbs-01/0

gpu-02
     state = free
     jobs = 101.pbs-01/0

gpu-03
     state = free
     resources_available.ncpus = 64

gpu-04
     state = free

gpu-05
     state = down,offline
"""


def slurm_jobs(newer: bool) -> dict:
    """Slurm 23 writes states as lists and numbers as objects; Slurm 21 writes both plain."""
    def state(word: str) -> object:
        return [word] if newer else word

    def number(value: int, infinite: bool = False) -> object:
        return {"set": True, "infinite": infinite, "number": value} if newer else value

    return {"jobs": [
        {"job_id": 201, "name": "serve-llama", "user_name": "svc", "job_state": state("RUNNING"), "node_count": number(2),
         "time_limit": number(1440), "start_time": number(START), "state_reason": "None", "batch_host": "gpu-01",
         "comment": "models=llama-8b,gemma"},
        {"job_id": 202, "name": "serve-qwen", "user_name": "svc", "job_state": state("PENDING"), "node_count": number(4),
         "time_limit": number(720), "start_time": number(4102444800), "state_reason": "Resources", "comment": "models=qwen-72b"},
        {"job_id": 203, "name": "serve-phi", "user_name": "svc", "job_state": state("PENDING"), "node_count": number(1),
         "time_limit": number(60), "start_time": number(0), "state_reason": "JobHeldUser", "comment": ""},
        {"job_id": 204, "name": "serve-old", "user_name": "svc", "job_state": state("OUT_OF_MEMORY"), "node_count": number(1),
         "time_limit": number(60), "start_time": number(START), "state_reason": "OutOfMemory", "comment": ""},
        {"job_id": 205, "name": "somebody-elses", "user_name": "other", "job_state": state("RUNNING")}], "errors": []}


START = 1764000000
SLURM_TEXT = """201|RUNNING|svc|2|1-00:00:00|1:30:00|2026-11-24T17:00:00|None|gpu-01|serve-llama|models=llama-8b,gemma
202|PENDING|svc|4|12:00:00|0:00|2100-01-01T00:00:00|Resources|n/a|serve-qwen|models=qwen-72b
203|PENDING|svc|1|1:00:00|0:00|N/A|JobHeldUser|n/a|serve-phi|(null)
204|OUT_OF_MEMORY|svc|1|1:00:00|0:30|2026-11-24T17:00:00|OutOfMemory|gpu-07|serve-old|(null)
205|RUNNING|other|1|UNLIMITED|5:00|2026-11-24T17:00:00|None|gpu-09|somebody-elses|(null)
"""
SLURM_NODES = "gpu-01 alloc\ngpu-02 alloc\ngpu-03 idle\ngpu-03 idle\ngpu-04 idle\ngpu-05 down*\ngpu-06 idle*\n"


def pbs(json_works: bool = True) -> dict[str, dict[str, str]]:
    """What each command writes, by its arguments."""
    refusal = "qstat: illegal option -- F"
    return {"qstat": {"-f -F json": json.dumps(PBS_JOBS, indent=4) if json_works else refusal, "-f": PBS_JOBS_TEXT},
            "pbsnodes": {"-a -F json": json.dumps(PBS_NODES) if json_works else refusal, "-a": PBS_NODES_TEXT}}


def slurm(form: str) -> dict[str, dict[str, str]]:
    listed = {"newer": json.dumps(slurm_jobs(True)), "older": json.dumps(slurm_jobs(False)),
              "text": "squeue: unrecognized option '--json'"}[form]
    return {"squeue": {"--json": listed, "-h -o %i|%T|%u|%D|%l|%M|%S|%r|%B|%j|%k": SLURM_TEXT},
            "sinfo": {"-h -N -o %N %t": SLURM_NODES}}

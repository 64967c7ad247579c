/** Modules of the standard library that compute, and touch neither network, processes nor the interpreter. */
export const PURE_MODULES = new Set(
  (
    '__future__ abc argparse array base64 binascii bisect calendar cmath collections colorsys contextlib copy csv dataclasses datetime ' +
    'decimal difflib enum fractions functools gc glob gzip hashlib heapq itertools json keyword logging math numbers operator os pathlib ' +
    'pprint queue random re statistics string struct sys textwrap threading time traceback types typing unicodedata warnings weakref zlib'
  ).split(' '),
);
/** Modules that reach the clock, the evaluator or the end of the process: they are the rail `sealed`'s. */
export const SEALED_MODULES = new Set(['atexit', 'signal', 'site', 'sitecustomize', 'usercustomize', 'faulthandler']);

const OS_PLAIN = new Set(
  'path environ getenv cpu_count sep linesep getcwd name fspath PathLike sched_getaffinity'.split(' '),
);
const SYS_PLAIN = new Set(
  'argv version version_info platform maxsize float_info byteorder stdout stderr exit getsizeof executable getrecursionlimit'.split(
    ' ',
  ),
);
const SYS_SEALED = new Set(
  'modules path meta_path path_hooks path_importer_cache settrace setprofile excepthook displayhook addaudithook _getframe __stdout__'.split(
    ' ',
  ),
);

/** Names that run text, or hand out what runs text. */
const PRIMITIVES = new Set(
  'eval exec compile __import__ globals locals vars breakpoint input __builtins__ __loader__ __spec__ delattr getattr setattr open'.split(
    ' ',
  ),
);
/** Whatever object they are taken from: they lead to modules, to the interpreter, or to a process. */
const ATTRIBUTES = new Set(
  (
    '__globals__ __builtins__ __subclasses__ __bases__ __base__ __mro__ mro __code__ __loader__ __spec__ __import__ __dict__ __getattribute__ ' +
    '__reduce__ __reduce_ex__ f_globals f_builtins f_locals f_back gi_frame cr_frame tb_frame os _os sys _sys builtins importlib subprocess ' +
    'socket ctypes system popen execv execve execvp execl fork forkpty posix_spawn spawnv spawnl import_module load_library ' +
    'write_text write_bytes unlink symlink_to hardlink_to rmtree chmod fromfile tofile from_file get_type_hints'
  ).split(' '),
);
/** Parts of what people import anyway that reach further than the rest of it. */
const REACHING = (
  'torch.hub torch.load torch.package torch.distributed torch.multiprocessing torch.utils.cpp_extension torch.utils.model_zoo torch.ops.load_library ' +
  'torch.classes torch._C torch.jit.load numpy.ctypeslib numpy.f2py numpy.distutils numpy.load numpy.memmap numpy.DataSource pandas.read_pickle ' +
  'pandas.eval logging.config logging.handlers types.CodeType types.FunctionType types.ModuleType threading.setprofile threading.settrace ' +
  'torch.serialization torch.from_file typing.get_type_hints typing.ForwardRef typing.evaluate_forward_ref pathlib.os gc.get_objects gc.get_referrers operator.attrgetter operator.methodcaller random._os'
).split(' ');

const SEED_CALLS = new Set(
  'seed manual_seed manual_seed_all set_seed seed_all seed_everything set_rng_state PRNGKey setstate'.split(' '),
);
/** Switches of a library that are fair game: no module is patched by them. */
const SWITCHES = /^torch\.(?:backends|_dynamo\.config|_inductor\.config|_functorch\.config)\./;
/** Environment variables that tune a library. */
const TUNING =
  /^(?:PYTORCH_|TORCHINDUCTOR_|TORCH_|TRITON_|OMP_|MKL_|OPENBLAS_|TOKENIZERS_|CUDA_LAUNCH_BLOCKING$|CUBLAS_WORKSPACE_CONFIG$)/;

export interface Hazard {
  rail: 'imports' | 'sealed';
  name: string;
  reason: string;
}

/** What is wrong with a name or a dotted path that begins with a module or a built-in; null for nothing. */
export function hazardOf(dotted: string): Hazard | null {
  const parts = dotted.split('.');
  const [root = '', second] = parts;
  const imports = (name: string, reason: string): Hazard => ({ rail: 'imports', name, reason });
  if (parts.length === 1 && PRIMITIVES.has(root)) return imports(root, `${root} runs or reaches what no parser sees`);
  if (root === 'builtins') return imports('builtins', 'builtins hands out eval and its like');
  if (root === 'os' && second !== undefined && !OS_PLAIN.has(second))
    return imports(`os.${second}`, `os.${second} reaches processes or files`);
  if (root === 'sys' && second !== undefined) {
    if (SYS_SEALED.has(second))
      return {
        rail: 'sealed',
        name: `sys.${second}`,
        reason: `sys.${second} can change what the evaluator imports or runs`,
      };
    if (!SYS_PLAIN.has(second)) return imports(`sys.${second}`, `sys.${second} reaches the interpreter`);
  }
  if (
    root === 'os' &&
    second === 'environ' &&
    ['update', 'setdefault', 'pop', 'clear', 'popitem'].includes(parts[2] ?? '')
  )
    return { rail: 'sealed', name: 'os.environ', reason: 'it changes the environment, which the runner owns' };
  for (const reaching of REACHING)
    if (dotted === reaching || dotted.startsWith(`${reaching}.`))
      return imports(reaching, `${reaching} reaches further than a training step needs`);
  return null;
}

/** What is wrong with taking this attribute from any object. */
export function attributeHazard(attribute: string): Hazard | null {
  if (ATTRIBUTES.has(attribute))
    return { rail: 'imports', name: attribute, reason: `.${attribute} leads out of what a parser can follow` };
  return null;
}

export function isSeedCall(attribute: string): boolean {
  return SEED_CALLS.has(attribute);
}

export function isSwitch(dotted: string): boolean {
  return SWITCHES.test(dotted);
}

export function isTuningVariable(name: string): boolean {
  return TUNING.test(name);
}

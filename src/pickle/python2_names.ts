/**
 * Where the names of Python 2's standard library live in Python 3, and the other way round.
 *
 * Protocols 0 to 2 name modules as Python 2 did, even when Python 3 writes them; later ones have
 * Python 3's names. Source of the tables: the documented behaviour of `fix_imports` and CPython's
 * `_compat_pickle` module, whose renames they list.
 *
 * @module
 */

import { PyGlobal } from "./values.ts";

/** Whole modules that moved: old name, new name. */
const MODULES: ReadonlyMap<string, string> = new Map(
  table(`
    __builtin__ builtins, copy_reg copyreg, Queue queue, SocketServer socketserver,
    ConfigParser configparser, repr reprlib, tkFileDialog tkinter.filedialog,
    tkSimpleDialog tkinter.simpledialog, tkColorChooser tkinter.colorchooser,
    tkCommonDialog tkinter.commondialog, Dialog tkinter.dialog, Tkdnd tkinter.dnd,
    tkFont tkinter.font, tkMessageBox tkinter.messagebox, ScrolledText tkinter.scrolledtext,
    Tkconstants tkinter.constants, Tix tkinter.tix, ttk tkinter.ttk, Tkinter tkinter,
    markupbase _markupbase, _winreg winreg, thread _thread, dummy_thread _dummy_thread,
    dbhash dbm.bsd, dumbdbm dbm.dumb, dbm dbm.ndbm, gdbm dbm.gnu, xmlrpclib xmlrpc.client,
    SimpleXMLRPCServer xmlrpc.server, httplib http.client, htmlentitydefs html.entities,
    HTMLParser html.parser, Cookie http.cookies, cookielib http.cookiejar,
    BaseHTTPServer http.server, test.test_support test.support, commands subprocess,
    urlparse urllib.parse, robotparser urllib.robotparser, urllib2 urllib.request, anydbm dbm,
    _abcoll collections.abc, cPickle pickle, _elementtree xml.etree.ElementTree,
    FileDialog tkinter.filedialog, SimpleDialog tkinter.simpledialog,
    DocXMLRPCServer xmlrpc.server, SimpleHTTPServer http.server, CGIHTTPServer http.server,
    UserDict collections, UserList collections, UserString collections, whichdb dbm,
    StringIO io, cStringIO io
  `).map(([from, to]) => [from as string, to as string]),
);

/** Single names that moved: old module, old name, new module, new name. */
const NAMES: ReadonlyMap<string, readonly [module: string, name: string]> = new Map(
  table(`
    __builtin__ xrange builtins range, __builtin__ reduce functools reduce,
    __builtin__ intern sys intern, __builtin__ unichr builtins chr,
    __builtin__ unicode builtins str, __builtin__ long builtins int,
    __builtin__ basestring builtins str, itertools izip builtins zip,
    itertools imap builtins map, itertools ifilter builtins filter,
    itertools ifilterfalse itertools filterfalse,
    itertools izip_longest itertools zip_longest,
    UserDict IterableUserDict collections UserDict, UserDict UserDict collections UserDict,
    UserList UserList collections UserList, UserString UserString collections UserString,
    whichdb whichdb dbm whichdb, _socket fromfd socket fromfd,
    socket _socketobject socket SocketType,
    _multiprocessing Connection multiprocessing.connection Connection,
    multiprocessing.process Process multiprocessing.context Process,
    multiprocessing.forking Popen multiprocessing.popen_fork Popen,
    urllib ContentTooShortError urllib.error ContentTooShortError,
    urllib getproxies urllib.request getproxies,
    urllib pathname2url urllib.request pathname2url,
    urllib quote_plus urllib.parse quote_plus, urllib quote urllib.parse quote,
    urllib unquote_plus urllib.parse unquote_plus, urllib unquote urllib.parse unquote,
    urllib url2pathname urllib.request url2pathname,
    urllib urlcleanup urllib.request urlcleanup, urllib urlencode urllib.parse urlencode,
    urllib urlopen urllib.request urlopen, urllib urlretrieve urllib.request urlretrieve,
    urllib2 HTTPError urllib.error HTTPError, urllib2 URLError urllib.error URLError,
    multiprocessing AuthenticationError multiprocessing.context AuthenticationError,
    multiprocessing BufferTooShort multiprocessing.context BufferTooShort,
    multiprocessing ProcessError multiprocessing.context ProcessError,
    multiprocessing TimeoutError multiprocessing.context TimeoutError,
    exceptions StandardError builtins Exception
  `).map(([module, name, ...to]) => [`${module}\n${name}`, to as [string, string]]),
);

/** The exceptions of Python 2's `exceptions` module that Python 3 has under the same name. */
const EXCEPTIONS: ReadonlySet<string> = new Set(
  table(`
    ArithmeticError, AssertionError, AttributeError, BaseException, BufferError, BytesWarning,
    DeprecationWarning, EOFError, EnvironmentError, Exception, FloatingPointError,
    FutureWarning, GeneratorExit, IOError, ImportError, ImportWarning, IndentationError,
    IndexError, KeyError, KeyboardInterrupt, LookupError, MemoryError, NameError,
    NotImplementedError, OSError, OverflowError, PendingDeprecationWarning, ReferenceError,
    RuntimeError, RuntimeWarning, StopIteration, SyntaxError, SyntaxWarning, SystemError,
    SystemExit, TabError, TypeError, UnboundLocalError, UnicodeDecodeError,
    UnicodeEncodeError, UnicodeError, UnicodeTranslateError, UnicodeWarning, UserWarning,
    ValueError, Warning, ZeroDivisionError, WindowsError
  `).map(([name]) => name as string),
);

/** Rows of words, the rows set apart by commas. */
function table(text: string): string[][] {
  return text.trim().split(/,\s+/).map((row) => row.split(" "));
}

/** The Python 3 class or function that a pickle of protocol 0, 1 or 2 calls `module.name`. */
export function fromPython2Name(module: string, name: string): PyGlobal {
  if (module === "exceptions" && EXCEPTIONS.has(name)) return new PyGlobal("builtins", name);
  const [newModule, newName] = NAMES.get(`${module}\n${name}`) ??
    [MODULES.get(module) ?? module, name];
  return new PyGlobal(newModule, newName);
}

/** Modules of Python 3 by the names that they have in Python 2: of several the first above. */
const OLD_MODULES: ReadonlyMap<string, string> = new Map([
  ...[...MODULES].reverse().map(([from, to]): [string, string] => [to, from]),
  ...table(`
    pickle pickle, collections collections, io io, xml.etree.ElementTree xml.etree.ElementTree,
    _bz2 bz2, _dbm dbm, _functools functools, _gdbm gdbm, _pickle pickle
  `) as [string, string][],
]);

/** Single names of Python 3 that are elsewhere in Python 2, where `int` is good for small ones. */
const OLD_NAMES: ReadonlyMap<string, readonly [module: string, name: string]> = new Map([
  ...[...NAMES].reverse().map(([from, to]) =>
    moved(...to, ...from.split("\n") as [string, string])
  ),
  ...[...EXCEPTIONS].map((name) => moved("builtins", name, "exceptions", name)),
  ...table(`
    builtins str __builtin__ unicode, builtins int __builtin__ int,
    collections UserDict UserDict IterableUserDict,
    _functools reduce __builtin__ reduce, _socket socket socket _socketobject,
    tkinter.filedialog FileDialog FileDialog FileDialog,
    tkinter.filedialog LoadFileDialog FileDialog LoadFileDialog,
    tkinter.filedialog SaveFileDialog FileDialog SaveFileDialog,
    tkinter.simpledialog SimpleDialog SimpleDialog SimpleDialog,
    xmlrpc.server ServerHTMLDoc DocXMLRPCServer ServerHTMLDoc,
    xmlrpc.server XMLRPCDocGenerator DocXMLRPCServer XMLRPCDocGenerator,
    xmlrpc.server DocXMLRPCRequestHandler DocXMLRPCServer DocXMLRPCRequestHandler,
    xmlrpc.server DocXMLRPCServer DocXMLRPCServer DocXMLRPCServer,
    xmlrpc.server DocCGIXMLRPCRequestHandler DocXMLRPCServer DocCGIXMLRPCRequestHandler,
    http.server SimpleHTTPRequestHandler SimpleHTTPServer SimpleHTTPRequestHandler,
    http.server CGIHTTPRequestHandler CGIHTTPServer CGIHTTPRequestHandler,
    builtins ModuleNotFoundError exceptions ImportError,
    builtins RecursionError exceptions RuntimeError
  `).map((row) => moved(...row as Parameters<typeof moved>)),
  ...table(`
    BlockingIOError, BrokenPipeError, ChildProcessError, ConnectionAbortedError, ConnectionError,
    ConnectionRefusedError, ConnectionResetError, FileExistsError, FileNotFoundError,
    InterruptedError, IsADirectoryError, NotADirectoryError, PermissionError, ProcessLookupError,
    TimeoutError
  `).map(([name]) => moved("builtins", name as string, "exceptions", "OSError")),
]);

function moved(
  module: string,
  name: string,
  oldModule: string,
  oldName: string,
): [string, readonly [string, string]] {
  return [`${module}\n${name}`, [oldModule, oldName]];
}

/** What Python 2 calls the class or function `module.name` of Python 3. */
export function toPython2Name(
  module: string,
  name: string,
): readonly [module: string, name: string] {
  return OLD_NAMES.get(`${module}\n${name}`) ?? [OLD_MODULES.get(module) ?? module, name];
}

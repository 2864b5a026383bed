"""What an error of Python, NumPy or Keras mostly means in a student's answer, in one sentence."""

import re

# (type or one above it, by name; a pattern of the message; what it means). The first that fits.
_MEANINGS = (
    ("AxisError", "", (
        "Ese eje no existe: un arreglo de n ejes los tiene numerados de 0 a n - 1. Mira su .shape."
    )),
    ("ValueError", "truth value of an array", (
        "Un arreglo entero no es ni verdadero ni falso: en lugar de if, max, min, and u or usa lo "
        "que NumPy aplica número por número, np.where, np.maximum, np.minimum, & o |."
    )),
    ("ValueError", "operands could not be broadcast", (
        "NumPy no sabe emparejar esas dos formas, número por número: mira la .shape de cada una. "
        "Si una salió de sum, max o mean por un eje, keepdims=True conserva ese eje."
    )),
    ("ValueError|InvalidArgumentError", "matmul|[Mm]atrix size|In\\[0\\]", (
        "En un producto de matrices, las columnas de la primera deben ser tantas como las filas de "
        "la segunda: mira la .shape de cada una."
    )),
    ("ValueError", "shapes? .*not aligned", (
        "En un producto de matrices, las columnas de la primera deben ser tantas como las filas de "
        "la segunda: mira la .shape de cada una."
    )),
    ("ValueError", "cannot reshape array", (
        "reshape solo reordena: el producto de los tamaños que pides debe ser la cantidad de "
        "números que hay."
    )),
    ("ValueError", "inhomogeneous", "Las filas no tienen todas el mismo largo."),
    ("ValueError", "setting an array element with a sequence", (
        "Guardas un arreglo en un lugar donde cabe un solo número."
    )),
    ("ValueError", "must have the same number of dimensions|along dimension|must match exactly|"
     "must have the same shape", (
        "Para juntar arreglos, sus formas deben coincidir en todos los ejes menos en el que se "
        "unen: mira la .shape de cada uno."
    )),
    ("ValueError", "too many values to unpack|not enough values to unpack", (
        "A la izquierda del = hay más o menos nombres que valores a la derecha."
    )),
    ("ValueError", "math domain error", (
        "Esa función de math no está definida ahí, como el logaritmo de 0 o la raíz de un negativo."
    )),
    ("ValueError", "expected a (nonnegative|positive) input", (
        "Esa función de math no está definida ahí, como el logaritmo de 0 o la raíz de un negativo."
    )),
    ("ValueError", "is not in list|not in tuple|substring not found", (
        "Buscas con .index algo que ahí no está."
    )),
    ("ValueError", "invalid literal for", "Ese texto no se puede leer como número."),
    ("ValueError", "axes don't match", (
        "El número de ejes no es el que la función espera: mira .ndim y .shape."
    )),
    ("ValueError", "zero-size array|empty sequence|empty iterable|arg is an empty", (
        "No hay ningún número de donde sacar el mayor o el menor: eso está vacío."
    )),
    ("IndexError", "boolean index did not match", (
        "La máscara no tiene la misma forma que el arreglo en el que eliges con ella."
    )),
    ("IndexError", "too many indices", "Pusiste más índices que ejes tiene el arreglo."),
    ("IndexError", "arrays used as indices must be of integer|only integers", (
        "Un índice es un número entero o un arreglo de enteros: hay una / donde va //, o falta "
        "int() o .astype(int)."
    )),
    ("IndexError", "invalid index to scalar", "Pones un índice a lo que ya es un solo número."),
    ("IndexError", "pop from empty", "Sacas un elemento de una lista que ya está vacía."),
    ("IndexError", "", (
        "Ese lugar no existe: en n elementos los índices van de 0 a n - 1, y en algo vacío no hay "
        "ninguno."
    )),
    ("KeyError", "", "El diccionario no tiene esa clave: mira cuáles tiene con .keys()."),
    ("ZeroDivisionError", "", "Divides por cero: ¿qué debe salir en ese caso?"),
    ("OverflowError", "", (
        "El número se desborda: es más grande de lo que cabe, como e^1000. Escribe la fórmula de "
        "modo que no haga falta calcularlo."
    )),
    ("FloatingPointError", "", "La operación se desborda, o divide por cero."),
    ("TypeError", "can only concatenate list \\(not \"tuple\"\\)", (
        "Una lista y una tupla no se suman: [a] + list(b), o mejor [a, *b]."
    )),
    ("TypeError", "can only concatenate tuple", (
        "Una tupla solo se suma con otra tupla: (a,) + tuple(b), o mejor (a, *b)."
    )),
    ("TypeError", "can only concatenate", (
        "Sumas dos cosas de distinto tipo. Para agregar un elemento a una lista: .append(x)."
    )),
    ("TypeError", "bitwise_xor|for \\^:", (
        "En Python la potencia se escribe **; ^ es otra operación, entre bits."
    )),
    ("TypeError", "bitwise_(and|or)|for [&|]:", (
        "& y | unen verdaderos y falsos: pon cada comparación entre paréntesis, (a > 1) & (b < 2)."
    )),
    ("TypeError", "boolean subtract", (
        "Verdaderos y falsos no se restan en NumPy: ~a los da vuelta, o conviértelos con "
        ".astype(int)."
    )),
    ("TypeError", "loop of ufunc|not supported for the input types", (
        "NumPy no puede calcular eso con lo que recibe: suele ser una lista, un texto o None donde "
        "va un número."
    )),
    ("TypeError", "non-int of type|multiply sequence", (
        "Multiplicas una lista, una tupla o un texto por algo que no es un entero: conviértela con "
        "np.array."
    )),
    ("TypeError", "unsupported operand type.*'(list|tuple)'", (
        "Con listas y tuplas no se calcula número por número: conviértelas antes con np.array(...)."
    )),
    ("TypeError", "'NoneType'", (
        "Algo vale None: a menudo una función sin return, o .append y .sort, que cambian la lista "
        "y no devuelven nada."
    )),
    ("TypeError", "object is not callable", (
        "Pusiste paréntesis a lo que no es una función: falta un signo * o una coma, van [ ] en "
        "lugar de ( ), o una variable tapa a la función del mismo nombre."
    )),
    ("TypeError", "object is not subscriptable", (
        "Pones corchetes [ ] a lo que no los admite: a un solo número, o a una función."
    )),
    ("TypeError", "(list|slice) indices must be|cannot be interpreted as an integer", (
        "Ahí va un número entero: hay una / donde va //, o falta int(). A una lista no se le piden "
        "varios índices a la vez: para eso, np.array."
    )),
    ("TypeError", "only (length-1|0-dimensional|integer scalar)", (
        "Las funciones de math, int() y float() toman un solo número, y llegó un arreglo: usa las "
        "de NumPy, np.exp, np.log, o .astype(int)."
    )),
    ("TypeError", "is not iterable", "Recorres con for, o desempacas, lo que es un solo número."),
    ("TypeError", "has no len\\(\\)|of unsized object", "Pides el largo de un solo número."),
    ("TypeError", "missing \\d+ required|takes .* positional argument", (
        "Llamas a una función con más o menos argumentos de los que recibe."
    )),
    ("TypeError", "unexpected keyword argument", (
        "Esa función no tiene un argumento con ese nombre."
    )),
    ("TypeError", "does not support item assignment", (
        "Lo que quieres cambiar no se puede cambiar por partes, como una tupla o un texto: haz una "
        "lista o un arreglo nuevo."
    )),
    ("TypeError", "not supported between instances", (
        "Comparas con < o > cosas de distinto tipo, como un texto con un número."
    )),
    ("TypeError", "must be real number|argument must be", (
        "Esa función espera un número y recibe otra cosa."
    )),
    ("TypeError", "unsupported operand type", (
        "Esa operación no existe entre cosas de esos tipos: mira con type() qué es cada una."
    )),
    ("UnboundLocalError", "", (
        "Usas la variable antes de darle un valor dentro de la función: dáselo antes del for o en "
        "todas las ramas del if."
    )),
    ("NameError", "'np'", "Falta importar NumPy: import numpy as np, arriba en la misma celda."),
    ("NameError", "'(math|keras|tf|pd|plt|scipy|random)'", (
        "Falta importar ese módulo, arriba en la misma celda."
    )),
    ("NameError", "", (
        "Ese nombre no existe todavía: ¿está mal escrito, o no corriste la celda que lo define?"
    )),
    ("AttributeError", "'(list|tuple)' object", (
        "Eso es de los arreglos de NumPy, y aquí hay una lista o una tupla: conviértela con "
        "np.array(...)."
    )),
    ("AttributeError", "'numpy.ndarray' object", (
        "Un arreglo de NumPy no tiene eso: suele ser de las listas (.append, .index) o una función "
        "aparte, np.nombre(arreglo)."
    )),
    ("AttributeError", "'(int|float|bool|numpy\\.\\w+)' object", (
        "Aquí hay un solo número, y eso es de un arreglo."
    )),
    ("AttributeError", "'NoneType'", (
        "Algo vale None: a menudo una función sin return, o .append y .sort, que cambian la lista "
        "y no devuelven nada."
    )),
    ("AttributeError", "module '", (
        "Ese módulo no tiene nada con ese nombre: ¿está bien escrito?"
    )),
    ("AttributeError", "", "Eso no tiene ningún atributo ni método con ese nombre."),
    ("ModuleNotFoundError", "", "Ese módulo no está instalado, o su nombre está mal escrito."),
    ("ImportError", "", "Ese módulo no tiene lo que le pides importar."),
    ("RecursionError", "", (
        "La función se llama a sí misma sin fin: falta el caso en que termina, o debía llamar a "
        "otra del mismo nombre."
    )),
    ("MemoryError", "", "Pides un arreglo que no cabe en la memoria: mira las formas."),
    ("AssertionError", "", "Un assert tuyo no se cumple."),
    ("NotImplementedError", "", "Falta escribir esa parte."),
    ("StopIteration", "", "Pediste con next algo que ya se acabó."),
    ("IndentationError", "", (
        "Las líneas no están alineadas: el cuerpo de una función va cuatro espacios adentro."
    )),
    ("SyntaxError", "was never closed", "Falta cerrar un paréntesis, un corchete o una llave."),
    ("SyntaxError", "unterminated", "Falta cerrar una comilla."),
    ("SyntaxError", "expected ':'", "Falta el : al final de la línea."),
    ("SyntaxError", "Maybe you meant '=='|cannot assign to", (
        "Para comparar se escribe ==; a la izquierda de un = va un nombre."
    )),
    ("SyntaxError", "outside function", "Hay un return fuera de una función: mira los espacios."),
    ("SyntaxError", "utf-8|UTF-8|null byte", "El archivo no es texto en UTF-8: guárdalo así."),
    ("SyntaxError", "", "Python no entiende esa línea, o la anterior: mira paréntesis, comas y :."),
    ("InvalidArgumentError|ValueError", "Incompatible shapes|incompatible shapes|not compatible", (
        "Esas formas no se pueden emparejar: mira la .shape de cada una."
    )),
    ("InvalidArgumentError|TypeError|ValueError", "cannot compute|expected to be a|dtype|convert", (
        "Los dos tipos de número no son el mismo, o eso no se puede volver tensor: conviértelo con "
        ".astype(\"float32\") o keras.ops.cast(x, \"float32\")."
    )),
    ("ValueError", "expected (min_ndim|ndim|shape|axis)|[Ii]nput .* of layer", (
        "La capa espera una entrada de otra forma: los ejes son (lote, alto, ancho, canales)."
    )),
)  # fmt: skip


def meaning(error):
    """One Spanish sentence on what an exception mostly means, or "" for one that is not known.

    Example:

    >>> meaning(ZeroDivisionError("division by zero"))
    'Divides por cero: ¿qué debe salir en ese caso?'
    """
    kinds = {kind.__name__ for kind in type(error).__mro__}
    for names, pattern, said in _MEANINGS:
        if kinds & set(names.split("|")) and re.search(pattern, str(error)):
            return said
    return ""

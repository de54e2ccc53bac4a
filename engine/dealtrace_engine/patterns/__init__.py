r"""Sequence patterns: regular expressions over the activities of a case.

A pattern such as ``Quote Issued -> ... -> Quote Revised+ -> Quote Accepted`` becomes a deterministic
automaton that runs over the activity codes of each case in one pass. The grammar, loosest first:

====================  =======================================================================
``A | B``             one or the other; binds loosest
``A -> B``            B directly after A (also ``A → B``)
``^`` and ``$``       the start and the end of the case, as in ``^ A -> B $``
``A? A* A+``          at most one, any number, at least one
``A{3} A{2,} A{2,5}`` three, at least two, two to five; at most 1,000
``( ... )``           a group
``A``, ``"A"``        an event with this activity; the case of letters counts
``.``                 any one event
``...``               any number of events, none included; the same as ``.*`` (also ``…``)
``[A | B]``           an event with one of these activities
``!A``, ``![A | B]``  an event with none of these activities
====================  =======================================================================

Without anchors a pattern may match anywhere in a case. A name needs no quotes if it consists of letters and
digits of any script, ``_`` and other characters beyond ASCII, and between two of these of spaces, ``/`` and
``-``, or of one ``.`` (``Quote v1.2``, ``Re-Open``, ``Win / Loss``, ``見積 送付``). Within quotes ``\"``,
``\\``, ``\n``, ``\r`` and ``\t`` are escapes. White space between tokens means nothing.
"""

// replay.bpf.c, compiled, as data of the executable.
    .section .rodata
    .global fairlead_replay_object_begin
    .global fairlead_replay_object_end
    .balign 8
fairlead_replay_object_begin:
    .incbin FL_OBJECT
fairlead_replay_object_end:
    .section .note.GNU-stack, "", @progbits

// The compiled BPF programs as data of the executable.
    .section .rodata
    .global fairlead_bpf_object_begin
    .global fairlead_bpf_object_end
    .balign 8
fairlead_bpf_object_begin:
    .incbin FL_OBJECT
fairlead_bpf_object_end:
    .section .note.GNU-stack, "", @progbits

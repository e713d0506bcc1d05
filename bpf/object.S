// The compiled BPF programs as data of the executable.
    .section .rodata
    .global fairlead_bpf_object_begin
    .global fairlead_bpf_object_end
    .balign 8
fairlead_bpf_object_begin:
    .incbin FL_OBJECT
fairlead_bpf_object_end:
    .global fairlead_layer2_object_begin
    .global fairlead_layer2_object_end
    .balign 8
fairlead_layer2_object_begin:
    .incbin FL_LAYER2_OBJECT
fairlead_layer2_object_end:
    .section .note.GNU-stack, "", @progbits

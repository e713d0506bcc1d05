// What the page is made of, as data of the library. The scripts stand behind each other, as one.
    .section .rodata
    .global fairlead_page_html_begin
    .global fairlead_page_html_end
    .global fairlead_page_style_begin
    .global fairlead_page_style_end
    .global fairlead_page_script_begin
    .global fairlead_page_script_end
fairlead_page_html_begin:
    .incbin "bench/results/page/page.html"
fairlead_page_html_end:
fairlead_page_style_begin:
    .incbin "bench/results/page/page.css"
fairlead_page_style_end:
fairlead_page_script_begin:
    .incbin "bench/results/page/svg.js"
    .incbin "bench/results/page/boxes.js"
    .incbin "bench/results/page/curves.js"
    .incbin "bench/results/page/page.js"
fairlead_page_script_end:
    .section .note.GNU-stack, "", @progbits

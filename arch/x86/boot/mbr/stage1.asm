; SPDX-License-Identifier: MIT
; First stage: the 446 bytes that the BIOS loads at 0x7c00.  Reads the second stage
; (sectors 1 to STAGE2_SECTORS, in front of the first partition) with INT 13h
; extensions and jumps there.  On trouble it prints one line and stops.
	bits 16
	org 0x7c00
%define STAGE2 0x8000
%define STAGE2_SECTORS 16

start:	cli
	xor ax, ax
	mov ds, ax
	mov es, ax
	mov ss, ax
	mov sp, 0x7c00
	sti
	cld
	mov [drive], dl
	mov ah, 0x41		; extensions installed?
	mov bx, 0x55aa
	int 0x13
	jc no_ext
	cmp bx, 0xaa55
	jne no_ext
	mov si, packet
	mov dl, [drive]
	mov ah, 0x42
	int 0x13
	jc bad_disk
	cmp dword [STAGE2], 'WHRY'
	jne no_stage2
	mov dl, [drive]
	jmp STAGE2 + 4

no_ext:	mov si, msg_ext
	jmp stop
bad_disk:
	mov si, msg_disk
	jmp stop
no_stage2:
	mov si, msg_stage2
stop:	lodsb
	test al, al
	jz halt
	mov ah, 0x0e
	mov bx, 7
	int 0x10
	call serial
	jmp stop
halt:	cli
	hlt
	jmp halt
serial:	mov dx, 0x3f8
	out dx, al
	ret

msg_ext: db "wherry: the BIOS cannot read this disk by LBA", 13, 10, 0
msg_disk: db "wherry: disk read error", 13, 10, 0
msg_stage2: db "wherry: second stage missing, the disk image is damaged", 13, 10, 0
drive:	db 0
	align 4
packet:	db 16, 0
	dw STAGE2_SECTORS
	dw STAGE2, 0
	dq 1
	times 440 - ($ - $$) db 0

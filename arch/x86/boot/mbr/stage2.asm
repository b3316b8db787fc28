; SPDX-License-Identifier: MIT
; Second stage.  Finds the first partition (type 0x2c), whose first sector is a
; header: "WHERRYBT", kernel offset, kernel bytes, archive offset, archive bytes
; (sectors from the partition's start, 32-bit each).  Loads the kernel ELF's
; segments to their physical addresses and the archive page-aligned above them,
; gets the memory map by E820, builds an hvm_start_info and enters the kernel like
; a PVH loader: 32-bit protected mode, paging off, ebx = start_info.
	bits 16
	org 0x8000
%define BOUNCE 0x10000		; 32 KiB below 1 MiB for BIOS reads
%define BOUNCE_SECTORS 64
%define KFILE 0x1000000		; the kernel file while loading: 16 MiB is too much
%define MAX_E820 64

	db "WHRY"
	mov [drive], dl
	; A20: ask the BIOS, then the fast gate; then look
	mov ax, 0x2401
	int 0x15
	in al, 0x92
	or al, 2
	and al, 0xfe
	out 0x92, al
	call unreal
	mov dword [0x500], 0x12345678
	mov edi, 0x100500
	mov dword [es:edi], 0x87654321
	cmp dword [0x500], 0x12345678
	mov si, msg_a20
	jne stop
	; the partition table, in the first sector that is still at 0x7c00
	mov si, msg_part
	cmp byte [0x7c00 + 446 + 4], 0x2c
	jne stop
	mov eax, [0x7c00 + 446 + 8]
	mov [part], eax
	; header sector
	mov [lba], eax
	mov cx, 1
	call read
	mov si, msg_head
	push ds
	mov ax, BOUNCE >> 4
	mov ds, ax
	mov eax, [0]
	mov ebx, [4]
	mov ecx, [8]
	mov edx, [12]
	mov ebp, [16]
	mov edi, [20]
	pop ds
	cmp eax, 'WHER'
	jne stop
	cmp ebx, 'RYBT'
	jne stop
	mov [k_off], ecx
	mov [k_len], edx
	mov [a_off], ebp
	mov [a_len], edi
	; kernel file: read to just above where its segments will end, then spread it
	mov eax, [k_off]
	mov ecx, [k_len]
	mov edi, 0x400000
	call load
	call spread		; [k_end] = end of the last segment
	; archive: page-aligned behind the kernel, but not below 8 MiB
	mov edi, [k_end]
	add edi, 0xfff
	and edi, 0xfffff000
	mov [a_pa], edi
	mov eax, [a_off]
	mov ecx, [a_len]
	call load
	call e820
	; start_info, module, command line
	mov dword [info], 0x336ec578
	mov dword [info + 4], 1
	mov dword [info + 8], 0x80000000 ; flags: ours, to name the protocol
	mov dword [info + 12], 1
	mov dword [info + 16], module
	mov dword [info + 40], map
	movzx eax, word [map_n]
	mov [info + 48], eax
	mov eax, [a_pa]
	mov [module], eax
	mov eax, [a_len]
	mov [module + 8], eax
	; protected mode
	cli
	lgdt [gdt_ptr]
	mov eax, cr0
	or al, 1
	mov cr0, eax
	jmp dword 8:pm
	bits 32
pm:	mov ax, 16
	mov ds, ax
	mov es, ax
	mov ss, ax
	mov ebx, info
	mov eax, [k_entry]
	jmp eax
	bits 16

; es: a flat 4 GiB data segment in real mode (big real mode)
unreal:	cli
	push ds
	lgdt [gdt_ptr]
	mov eax, cr0
	or al, 1
	mov cr0, eax
	jmp .pm
.pm:	mov bx, 16
	mov es, bx
	mov fs, bx
	and al, 0xfe
	mov cr0, eax
	jmp .rm
.rm:	xor bx, bx
	mov es, bx
	mov fs, bx
	pop ds
	sti
	ret

; read cx sectors at [lba] to BOUNCE
read:	mov [packet + 2], cx
	mov eax, [lba]
	mov [packet + 8], eax
	mov dword [packet + 4], (BOUNCE >> 4) << 16
	mov si, packet
	mov dl, [drive]
	mov ah, 0x42
	int 0x13
	mov si, msg_disk
	jc stop
	ret

; load ecx bytes from partition sector eax to physical edi; moves edi on
load:	add eax, [part]
	mov [lba], eax
	mov [left], ecx
	mov [dest], edi
.next:	mov ecx, [left]
	test ecx, ecx
	jz .done
	add ecx, 511
	shr ecx, 9
	cmp ecx, BOUNCE_SECTORS
	jbe .few
	mov ecx, BOUNCE_SECTORS
.few:	push ecx
	call read
	call unreal		; the BIOS may have changed the segment limits
	pop ecx
	add [lba], ecx
	shl ecx, 9
	cmp ecx, [left]
	jbe .full
	mov ecx, [left]
.full:	sub [left], ecx
	mov esi, BOUNCE
	mov edi, [dest]
	add [dest], ecx
	add ecx, 3
	shr ecx, 2
.copy:	mov eax, [fs:esi]
	mov [es:edi], eax
	add esi, 4
	add edi, 4
	dec ecx
	jnz .copy
	jmp .next
.done:	ret

; the ELF at 4 MiB: copy PT_LOAD segments to their physical addresses
spread:	mov ebx, 0x400000
	mov si, msg_elf
	cmp dword [es:ebx], 0x464c457f
	jne stop
	mov eax, [es:ebx + 24]	; e_entry, as physical
	mov [k_entry], eax
	movzx ecx, word [es:ebx + 56]
	mov edx, [es:ebx + 32]
	add edx, ebx
.ph:	cmp dword [es:edx], 1
	jne .skip
	push ecx
	mov esi, [es:edx + 8]
	add esi, ebx
	mov edi, [es:edx + 24]
	mov ecx, [es:edx + 32]
	mov ebp, [es:edx + 40]
	add ebp, edi		; end of the segment in memory
	cmp ebp, 0x400000
	push si
	mov si, msg_big
	ja stop
	pop si
.copy:	test ecx, ecx
	jz .zero
	mov al, [fs:esi]
	mov [es:edi], al
	inc esi
	inc edi
	dec ecx
	jmp .copy
.zero:	cmp edi, ebp
	jae .seg
	mov byte [es:edi], 0
	inc edi
	jmp .zero
.seg:	mov [k_end], ebp
	pop ecx
.skip:	add edx, 56
	dec ecx
	jnz .ph
	ret

; E820 (ACPI 6.5, 15.1) into the PVH memory map: addr, size, type, reserved
e820:	push es
	xor ax, ax
	mov es, ax
	xor ebx, ebx
	mov di, map
.next:	mov eax, 0xe820
	mov edx, 0x534d4150
	mov ecx, 20
	int 0x15
	jc .end
	cmp eax, 0x534d4150
	jne .end
	mov dword [di + 20], 0
	add di, 24
	inc word [map_n]
	cmp word [map_n], MAX_E820
	jae .end
	test ebx, ebx
	jnz .next
.end:	pop es
	cmp word [map_n], 0
	mov si, msg_map
	je stop
	ret

stop:	push si
	mov si, msg_name
	call print
	pop si
	call print
	mov si, msg_end
	call print
halt:	cli
	hlt
	jmp halt
print:	lodsb
	test al, al
	jz .ret
	push si
	mov ah, 0x0e
	mov bx, 7
	int 0x10
	mov dx, 0x3f8
	out dx, al
	pop si
	jmp print
.ret:	ret

msg_name: db "wherry: ", 0
msg_end: db 13, 10, 0
msg_a20: db "cannot open address line 20", 0
msg_part: db "the first partition is not ours (type 0x2c)", 0
msg_head: db "the partition has no boot header", 0
msg_disk: db "disk read error", 0
msg_elf: db "the kernel is not an ELF file", 0
msg_big: db "the kernel does not fit below 4 MiB", 0
msg_map: db "the BIOS gives no memory map (E820)", 0

	align 8
gdt:	dq 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
gdt_ptr: dw 23
	dd gdt
	align 4
packet:	db 16, 0
	dw 0
	dd 0
	dq 0
drive:	db 0
	align 4
part:	dd 0
lba:	dd 0
left:	dd 0
dest:	dd 0
k_off:	dd 0
k_len:	dd 0
a_off:	dd 0
a_len:	dd 0
a_pa:	dd 0
k_end:	dd 0
k_entry: dd 0
map_n:	dw 0
	align 8
info:	times 56 db 0
module:	times 32 db 0
map:	times MAX_E820 * 24 db 0
	times 16 * 512 - ($ - $$) db 0
